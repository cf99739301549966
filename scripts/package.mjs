// npm run package: the npm packages and the Python wheel of this machine's platform, into out/package.
import { makePackages } from "./lib/package/index.mjs";
import { entry } from "./lib/run.mjs";
import { BUILD, setup } from "./lib/setup.mjs";

await entry(async () => {
  await setup(BUILD);
  await makePackages();
});
