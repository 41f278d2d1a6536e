// Reads lines of {name, events}; writes lines of {name, error, messages}: what AG-UI's own client makes of the events.
import { createInterface } from "node:readline";
import { enforceEvents, verifyEvents, defaultApplyEvents } from "@ag-ui/client";
import { from, lastValueFrom, toArray } from "rxjs";

let deviation = null;
console.warn = (text) => (deviation ??= String(text));

for await (const line of createInterface({ input: process.stdin })) {
  const { name, events } = JSON.parse(line);
  deviation = null;
  try {
    const passed = await lastValueFrom(from(events).pipe(enforceEvents(), verifyEvents(), toArray()), {
      defaultValue: [],
    });
    const agent = { messages: [], state: {}, threadId: "t", debugLogger: undefined };
    const input = { threadId: "t", runId: "r", messages: [], state: {}, tools: [], context: [], forwardedProps: {} };
    const changes = await lastValueFrom(defaultApplyEvents(input, from(passed), agent, []).pipe(toArray()), {
      defaultValue: [],
    });
    const messages = changes.map((change) => change.messages).filter(Boolean).at(-1) ?? [];
    console.log(JSON.stringify({ name, error: deviation, count: passed.length, messages }));
  } catch (error) {
    console.log(JSON.stringify({ name, error: String(error.message ?? error), count: 0, messages: [] }));
  }
}
