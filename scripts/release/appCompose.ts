/**
 * The app-compose.json of one node: what a dstack guest boots from, and what the compose hash is of.
 *
 * The bytes follow from the compose file and the image alone, so that whoever generates it again
 * gets the same hash.
 *
 * @see dstack: `AppCompose` in dstack-types; https://github.com/Dstack-TEE/dstack
 */

const imageVariable = /\$\{NODE_IMAGE\b[^}]*\}/g;
const variable = /\$\{([A-Za-z_][A-Za-z0-9_]*)[^}]*\}/g;

/**
 * @param composeFile `compose/dstack.yaml`, whose image is a variable
 * @param image `name@sha256:…`
 * @throws Error unless the compose file names that variable once
 */
export function appComposeOf(composeFile: string, image: string): string {
  const places = composeFile.match(imageVariable)?.length ?? 0;
  if (places !== 1) {
    throw new Error(`the compose file names \${NODE_IMAGE} ${places} times; expected once`);
  }
  const docker_compose_file = composeFile.replace(imageVariable, () => image);
  const content = {
    manifest_version: 2,
    name: "dstack-cluster",
    runner: "docker-compose",
    docker_compose_file,
    // A node's wallet comes from the KMS: the contract admits no key from elsewhere.
    kms_enabled: true,
    gateway_enabled: true,
    local_key_provider_enabled: false,
    key_provider_id: "",
    // A node's log names its wallet, to which its operator mints a token; it holds no secret.
    public_logs: true,
    public_sysinfo: false,
    // Whoever admits a node compares this file with its hash.
    public_tcbinfo: true,
    allowed_envs: variablesIn(docker_compose_file),
    // Members are told apart by it.
    no_instance_id: false,
    secure_time: true,
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

/** What the file takes from the environment, in the order in which it names it. */
function variablesIn(composeFile: string): readonly string[] {
  const names = [...composeFile.matchAll(variable)].map(([, name = ""]) => name);
  return [...new Set(names)];
}
