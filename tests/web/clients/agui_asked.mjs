// AG-UI's own client against a flow that asks: answers while the run waits, then the interrupt that it ends with.
import { HttpAgent, buildResumeArray } from "@ag-ui/client";

const { url, answers, resume } = JSON.parse(process.argv[2]);
const asked = [], messages = [], results = [];
const agent = new HttpAgent({ url, threadId: "thread-of-the-test" });

async function onCustomEvent({ event }) {
  if (event.name !== "harness.ask") return;
  for (const question of event.value.questions) {
    asked.push(question.message);
    const at = new URL(`/runs/${event.value.run}/answers`, url), body = JSON.stringify({ answer: answers[asked.length - 1], question: question.number });
    await fetch(at, { method: "POST", headers: { "content-type": "application/json" }, body });
  }
}

let interrupts = [];
const subscriber = { onCustomEvent, onRunFinishedEvent: ({ event }) => { interrupts = event.outcome?.interrupts ?? []; results.push(event.result); } };
await agent.runAgent({ runId: "run-1-of-the-test" }, subscriber);
messages.push(...interrupts.map((one) => one.message));
const responses = Object.fromEntries(interrupts.map((one) => [one.id, { status: "resolved", payload: resume, metadata: one.metadata }]));
await agent.runAgent({ runId: "run-2-of-the-test", resume: buildResumeArray(interrupts, responses) }, subscriber);
console.log(JSON.stringify({ asked, interrupts: messages, result: results.at(-1) }));
