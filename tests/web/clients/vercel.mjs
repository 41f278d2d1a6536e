// The chat transport and the reader of Vercel's AI SDK against a server: what they make of each answer.
import { DefaultChatTransport, readUIMessageStream } from "ai";

const { url, messages } = JSON.parse(process.argv[2]);
const transport = new DefaultChatTransport({ api: url });
const said = [], history = [];
for (const [number, text] of messages.entries()) {
  history.push({ id: `user-${number}`, role: "user", parts: [{ type: "text", text }] });
  const stream = await transport.sendMessages({ trigger: "submit-message", chatId: "chat-of-the-test", messageId: undefined, messages: history, abortSignal: undefined });
  let last;
  for await (const message of readUIMessageStream({ stream })) last = message;
  history.push(last);
  said.push(last.parts.filter((part) => part.type === "text").map((part) => part.text));
}
console.log(JSON.stringify({ said, kinds: [...new Set(history.flatMap((one) => one.parts.map((part) => part.type)))].sort() }));
