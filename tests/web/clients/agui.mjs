// AG-UI's own client against a server: asks it twice in one thread, and writes what it understood.
import { HttpAgent } from "@ag-ui/client";

const { url, messages } = JSON.parse(process.argv[2]);
const said = [], kinds = new Set();
const agent = new HttpAgent({ url, threadId: "thread-of-the-test" });
for (const [number, content] of messages.entries()) {
  agent.addMessage({ id: `user-${number}`, role: "user", content });
  await agent.runAgent({ runId: `run-${number}-of-the-test` }, { onEvent: ({ event }) => { kinds.add(event.type); } });
  said.push(agent.messages.filter((message) => message.role === "assistant").map((message) => message.content ?? ""));
}
console.log(JSON.stringify({ said, kinds: [...kinds].sort() }));
