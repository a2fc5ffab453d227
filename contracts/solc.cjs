#!/usr/bin/env node
// Lets forge use the compiler of the npm package `solc`, so that `npm ci` is the whole tool chain.
// Forge talks to a native solc through two calls, `--version` and `--standard-json`; this answers
// both. CommonJS because Node 20, which may start it, wants an extension or CommonJS for that.

const { readFileSync, writeSync } = require("node:fs");

function main(options) {
  if (options.includes("--version")) {
    // Not asked of the compiler itself: loading it takes longer than all else that forge does here.
    const { version } = require("solc/package.json");
    print("solc, the solidity compiler commandline interface\n");
    print(`Version: ${version}+commit.npm.Linux.g++\n`);
    return;
  }
  if (options.includes("--standard-json")) {
    print(require("solc").compile(readFileSync(0, "utf8")));
    return;
  }
  process.stderr.write(`expected --version or --standard-json, got: ${options.join(" ")}\n`);
  process.exitCode = 1;
}

/** Writes all of it before the process may end: a pipe takes a large answer in pieces. */
function print(text) {
  const bytes = Buffer.from(text, "utf8");
  let offset = 0;
  while (offset < bytes.length) {
    try {
      offset += writeSync(1, bytes, offset);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

main(process.argv.slice(2));
