import { Router } from "zeromq";
const s = new Router({ sendTimeout: 0 });
await s.bind(process.argv[2]);
console.log("ready");
for (;;) { const [id, head, ...rest] = await s.receive(); await s.send([id, process.argv[3] === "json" ? JSON.stringify({ ...JSON.parse(head), type: "reply" }) : head]); }
