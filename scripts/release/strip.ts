/**
 * Copies programs, and every module that they import, as JavaScript: `strip.ts OUTPUT PROGRAM...`,
 * from the root of the project. What no program imports is not copied, so a file that lies about
 * untracked does not change the image.
 *
 * Types become blanks, hence lines and columns stay those of the source; only the endings of
 * relative imports change. A node that loads this needs neither the type stripper, which it would
 * keep in memory, nor V8's code cache, whose bytes differ from build to build.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join, normalize } from "node:path";

/** As Biome formats them, in double quotes; a thread's program is named by a URL. */
const relativeImport =
  /(?<keyword>\b(?:from |import |import\(|new URL\())"(?<path>\.{1,2}\/[^"\n]+)\.ts"/g;

export type StrippedModule = {
  readonly code: string;
  /** Relative to the root, with their ending `.ts`. */
  readonly imports: readonly string[];
};

/** @param file relative to the root; imports are resolved against it */
export function stripModule(file: string, source: string): StrippedModule {
  const imports: string[] = [];
  const code = stripTypeScriptTypes(source).replaceAll(relativeImport, (...match) => {
    const { keyword, path } = match.at(-1) as { keyword: string; path: string };
    imports.push(normalize(join(dirname(file), `${path}.ts`)));
    return `${keyword}"${path}.js"`;
  });
  return { code, imports };
}

/**
 * @returns the files read, in the order in which they were met
 * @throws Error when a module cannot be read, or is not plain TypeScript
 */
export function stripPrograms(output: string, programs: readonly string[]): readonly string[] {
  const importers = new Map(programs.map((program) => [normalize(program), "the command line"]));
  // A map that grows while it is walked: each module once, and cycles end.
  for (const [file, importer] of importers) {
    const { code, imports } = stripModule(file, sourceOf(file, importer));
    for (const each of imports) if (!importers.has(each)) importers.set(each, file);
    const target = join(output, file.replace(/\.ts$/, ".js"));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, code);
  }
  return [...importers.keys()];
}

function sourceOf(file: string, importer: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Error(`${importer} names ${file}, which cannot be read`, { cause: error });
  }
}

if (import.meta.main) {
  const [output, ...programs] = process.argv.slice(2);
  if (output === undefined || programs.length === 0) {
    process.stderr.write("error: expected the output's folder, and at least one program\n");
    process.exitCode = 2;
  } else {
    process.stdout.write(`${stripPrograms(output, programs).length} modules\n`);
  }
}
