/** The options of `npm run release`, and what is wrong with them. */
import { Command, InvalidArgumentError } from "commander";

export type ReleaseOptions = {
  readonly version?: string;
  readonly image?: string;
  readonly build?: string;
  readonly check?: string;
  readonly commit: string;
  readonly base?: string;
  readonly oci?: string;
  readonly record: string;
  readonly json: boolean;
};

/** @throws CommanderError, printed already; of exit code 0 for `--help` */
export function parseReleaseOptions(args: readonly string[]): ReleaseOptions {
  const command = new Command("npm run release --")
    .description(
      "Records a release: its commit, its image's digest, its app-compose.json and the compose hash.",
    )
    .option("--version <version>", "of the release, as package.json has it", semanticVersion)
    .option("--build <name>", "builds the image, to be pushed under this name", imageName)
    .option("--image <name@digest>", "takes an image that was pushed already", imageByDigest)
    .option("--check <version>", "builds a recorded release again and compares", semanticVersion)
    .option("--commit <revision>", "what is released", "HEAD")
    .option("--base <image>", "that the image is built on (default: the Dockerfile's, by digest)")
    .option("--oci <file>", "writes the image that is built as an OCI archive, to be pushed")
    .option("--record <file>", "of the releases", "compose/releases.json")
    .option("--json", "prints one JSON document", false)
    .helpOption("-h, --help", "show this help")
    .allowExcessArguments(false)
    .exitOverride();
  command.parse(args, { from: "user" });
  const options = command.opts<ReleaseOptions>();
  const problem = problemOf(options, command.getOptionValueSource("commit") === "cli");
  if (problem !== null) command.error(`error: ${problem}`);
  return options;
}

function problemOf(options: ReleaseOptions, commitGiven: boolean): string | null {
  const { version, image, build, check, base, oci } = options;
  const made = [version, image, build, base].some((option) => option !== undefined) || commitGiven;
  if (check !== undefined) {
    return made ? "--check takes all of the record: expected --oci and --record besides" : null;
  }
  if (version === undefined) return "expected --version, or --check with a recorded one";
  if ((image === undefined) === (build === undefined)) return "expected either --build or --image";
  if (image !== undefined && oci !== undefined)
    return "--oci writes what is built: it needs --build";
  return null;
}

function semanticVersion(text: string): string {
  if (/^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/.test(text)) return text;
  throw new InvalidArgumentError("Expected a version like 1.2.3 or 1.2.3-rc.1.");
}

/** A registry may have a port; a tag would not be what the digest names. */
const repository = /^(?:[a-z0-9.-]+(?::\d+)?\/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/;

function imageName(text: string): string {
  if (repository.test(text)) return text;
  throw new InvalidArgumentError("Expected an image's name without tag and digest.");
}

function imageByDigest(text: string): string {
  const [name = "", digest = ""] = text.split("@");
  if (repository.test(name) && /^sha256:[0-9a-f]{64}$/.test(digest)) return text;
  throw new InvalidArgumentError("Expected name@sha256:… with 64 hex digits, without tag.");
}
