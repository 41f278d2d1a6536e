// Reads lines of {name, stream}, the text of server-sent events; writes lines of {name, error, told, message}: what the AI
// SDK's own reader makes of the stream, with the errors that the stream itself tells of apart.
import { createInterface } from "node:readline";
import { parseJsonEventStream, readUIMessageStream, uiMessageChunkSchema } from "ai";

for await (const line of createInterface({ input: process.stdin })) {
  const { name, stream } = JSON.parse(line);
  const told = [];
  let message = null;
  let problem = null;
  try {
    const bytes = new Blob([stream]).stream();
    const chunks = parseJsonEventStream({ stream: bytes, schema: uiMessageChunkSchema }).pipeThrough(
      new TransformStream({
        transform(chunk, controller) {
          if (!chunk.success) throw chunk.error;
          if (chunk.value.type === "error") told.push(chunk.value.errorText);
          controller.enqueue(chunk.value);
        },
      }),
    );
    const onError = (error) => {
      if (!told.includes(error.message)) problem ??= String(error.message ?? error);
    };
    for await (const state of readUIMessageStream({ stream: chunks, onError })) message = state;
  } catch (error) {
    problem ??= String(error.message ?? error);
  }
  console.log(JSON.stringify({ name, error: problem, told, message }));
}
