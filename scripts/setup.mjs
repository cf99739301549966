// npm run setup: everything that the other scripts need.
import { entry } from "./lib/run.mjs";
import { setup } from "./lib/setup.mjs";

await entry(async () => {
  await setup();
  console.log("setup: up to date");
});
