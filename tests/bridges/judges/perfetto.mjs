// Reads lines of {name, events}; writes lines of {name, error, scopes}: the scopes, with their times in microseconds, that the
// trace engine of Chrome's developer tools finds in the events.
import { createInterface } from "node:readline";
import * as Trace from "@paulirish/trace_engine/models/trace/trace.js";

for await (const line of createInterface({ input: process.stdin })) {
  const { name, events } = JSON.parse(line);
  try {
    Trace.Helpers.SyntheticEvents.SyntheticEventsManager.createAndActivate(events);
    const async = events.filter((event) => "be".includes(event.ph));
    const scopes = Trace.Helpers.Trace.createMatchedSortedSyntheticEvents(async);
    console.log(JSON.stringify({ name, error: null, scopes: scopes.map(({ name, ts, dur }) => [name, ts, dur]) }));
  } catch (error) {
    console.log(JSON.stringify({ name, error: String(error.message ?? error), scopes: [] }));
  }
}
