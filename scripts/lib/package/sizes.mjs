// What the packages may weigh.
import { statSync } from "node:fs";
import { basename } from "node:path";
import { Problem } from "../run.mjs";

const MB = 1_000_000;
const LIMITS = { addon: 6 * MB, npm: 4 * MB, wheel: 12 * MB };

/** `{ what, bytes, limit }` of each thing that was made; `npm` is what an installation fetches of ours, both tarballs. */
export function sizes({ npm, wheel }) {
  const bytes = (file) => statSync(file).size;
  const platforms = npm.platforms.flatMap(({ addon, tarball }) => [
    { what: basename(addon), bytes: bytes(addon), limit: LIMITS.addon },
    {
      what: `${basename(npm.main)} and ${basename(tarball)}`,
      bytes: bytes(npm.main) + bytes(tarball),
      limit: LIMITS.npm,
    },
  ]);
  return wheel === undefined
    ? platforms
    : [...platforms, { what: basename(wheel), bytes: bytes(wheel), limit: LIMITS.wheel }];
}

/** Prints them; what is above its limit is a problem. */
export function checkSizes(all) {
  const inMb = (bytes) => `${(bytes / MB).toFixed(2)} MB`;
  for (const { what, bytes, limit } of all) console.log(`package: ${what}: ${inMb(bytes)} of at most ${inMb(limit)}`);
  const large = all.filter(({ bytes, limit }) => bytes > limit).map(({ what }) => what);
  if (large.length > 0) throw new Problem(`larger than allowed: ${large.join("; ")}`);
}
