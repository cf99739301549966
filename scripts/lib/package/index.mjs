// Everything that is published, made for this machine's platform and checked: docs/packaging.md.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CACHE, PACKAGES } from "../paths.mjs";
import { checkNpm, packNpm } from "./npm.mjs";
import { checkSizes, sizes } from "./sizes.mjs";
import { makeWheel } from "./wheel.mjs";

/** Fills PACKAGES: `{ npm: { main, platforms }, wheel, tag }`, or instead of the last two why there is no wheel: `missing`. */
export async function makePackages() {
  const work = join(CACHE, "package");
  rmSync(PACKAGES, { recursive: true, force: true });
  mkdirSync(PACKAGES, { recursive: true });
  const npm = packNpm(work);
  checkNpm(npm);
  const made = { npm, ...(await makeWheel(work)) };
  checkSizes(sizes(made));
  console.log(
    made.wheel === undefined ? `package: no wheel: ${made.missing}` : `package: tag of the wheel: ${made.tag}`,
  );
  return made;
}
