// The packages whose code is bundled into the wheel's server. The build fails when another one slips in, and their
// licences travel with it.
export const BUNDLED = ["apache-arrow", "flatbuffers", "iota-array", "is-buffer", "ndarray", "zeromq"];
