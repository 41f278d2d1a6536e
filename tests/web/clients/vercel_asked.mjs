// The chat of Vercel's AI SDK against a flow that asks: answers while the run waits, then approves what it ended with.
import { AbstractChat, DefaultChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses } from "ai";

const { url, answers, resume } = JSON.parse(process.argv[2]);
const asked = [];

class State {
  status = "ready";
  error = undefined;
  messages = [];
  pushMessage = (message) => { this.messages.push(message); };
  popMessage = () => { this.messages.pop(); };
  replaceMessage = (index, message) => { this.messages[index] = this.snapshot(message); };
  snapshot = (value) => structuredClone(value);
}
class Chat extends AbstractChat { constructor(init) { super({ ...init, state: new State() }); } }

let finished;
const chat = new Chat({
  id: "chat-of-the-test",
  transport: new DefaultChatTransport({ api: url }),
  sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
  onError: (error) => { console.error(error); process.exit(1); },
  onFinish: () => finished?.(),
  onData: async ({ type, data }) => {
    if (type !== "data-ask") return;
    for (const question of data.questions) {
      asked.push(question.message);
      const at = new URL(`/runs/${data.run}/answers`, url), body = JSON.stringify({ answer: answers[asked.length - 1], question: question.number });
      await fetch(at, { method: "POST", headers: { "content-type": "application/json" }, body });
    }
  },
});
await chat.sendMessage({ text: "Go" });
const open = chat.messages.at(-1).parts.filter((part) => part.state === "approval-requested");
const ended = new Promise((resolve) => { finished = resolve; });
for (const part of open) await chat.addToolApprovalResponse({ id: part.approval.id, approved: true, reason: resume });
await ended;
const parts = chat.messages.at(-1).parts, flow = parts.filter((part) => part.type === "data-flow").at(-1);
console.log(JSON.stringify({ asked, interrupts: open.map((part) => part.input.message), result: flow.data.result, messages: chat.messages.length, states: parts.filter((part) => part.toolCallId).map((part) => part.state) }));
