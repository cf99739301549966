// npm run build: Node packages, addon and dist; no Python environment.
import { entry } from "./lib/run.mjs";
import { BUILD, setup } from "./lib/setup.mjs";

await entry(async () => {
  await setup(BUILD);
  console.log("build: up to date");
});
