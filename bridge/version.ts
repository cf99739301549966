/** The versions that are told to clients. The package's version has one source: package.json. */
import pkg from "../package.json" with { type: "json" };

export const VERSION: string = pkg.version;
export const SERVER = `hnsw-bridge/${VERSION}`;

/** Lowest and highest protocol version that this server speaks. */
export const PROTOCOL: readonly [number, number] = [1, 1];
