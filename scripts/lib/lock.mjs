// One setup at a time per checkout: a lock file that names the process holding it.
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "./paths.mjs";

const LOCK = join(ROOT, ".setup.lock");

/** Runs `work` while holding the lock; waits for another living holder. */
export async function withLock(work) {
  await acquire();
  const release = () => rmSync(LOCK, { force: true });
  process.once("exit", release);
  try {
    return await work();
  } finally {
    process.removeListener("exit", release);
    release();
  }
}

async function acquire() {
  let told = false;
  while (!tryCreate()) {
    const holder = holderOf(LOCK);
    if (holder === undefined || isAlive(holder)) {
      if (!told && holder !== undefined) console.log(`setup: waiting for another setup (process ${holder})`);
      told ||= holder !== undefined;
      await sleep(250);
    } else {
      removeStale(holder);
    }
  }
}

function tryCreate() {
  // Written aside and linked into place, so that nobody ever reads a lock without its holder.
  const own = `${LOCK}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    linkSync(own, LOCK);
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    return false;
  } finally {
    rmSync(own, { force: true });
  }
}

function holderOf(file) {
  try {
    return Number.parseInt(readFileSync(file, "utf8"), 10);
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Takes a dead holder's lock away; if another process was faster, its lock is put back. */
function removeStale(dead) {
  const aside = `${LOCK}.stale.${process.pid}`;
  try {
    renameSync(LOCK, aside);
    if (holderOf(aside) !== dead) linkSync(aside, LOCK);
  } catch {
    // Gone or replaced meanwhile: the next round sees what is there.
  } finally {
    rmSync(aside, { force: true });
  }
}
