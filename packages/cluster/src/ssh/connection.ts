// The system's own ssh: how it is called, what its failures mean, and what it runs at the other end.
import { execFile } from "node:child_process";
import { FlockError } from "@taskflock/client";
import { shellQuoted } from "../shell-quoted.ts";
import type { CompleteSshOptions } from "./options.ts";

/** Of a connection that nobody answers, or that went silent. */
const PATIENCE = ["ConnectTimeout=10", "ServerAliveInterval=15", "ServerAliveCountMax=4"];
/** Nobody is there to answer questions; and a connection that is shared with others would outlive its end. */
const OWN = ["BatchMode=yes", "ControlMaster=no", "ControlPath=none", "ExitOnForwardFailure=yes"];

/** What ssh's own failures end with; everything else comes from the other end. */
const SSH_FAILED = 255;

/** The arguments of ssh that run a script on a host. `forwards`: such as ["-R", "9000:127.0.0.1:8786"]. */
export function sshArguments(
  { sshOptions }: Pick<CompleteSshOptions, "sshOptions">,
  host: string,
  script: string,
  forwards: readonly string[] = [],
): string[] {
  // The user's own come first: of an option that is given twice, ssh takes the first.
  const settings = [...PATIENCE, ...OWN].flatMap((setting) => ["-o", setting]);
  return ["-T", ...sshOptions, ...settings, ...forwards, "--", host, `exec sh -c ${shellQuoted(script)}`];
}

/**
 * A role at the other end. Its token comes by stdin, and stands in no argument and no file; the line that says that it is ready goes to
 * stdout; and the end of stdin, which comes with the end of the connection or of this process, however those end, is its end.
 */
export function roleScript(before: readonly string[], command: readonly string[]): string {
  const words = [...command, "--ready-fd", "3", "--token-fd", "4", "--exit-on-stdin-end"].map(shellQuoted).join(" ");
  return [
    "IFS= read -r token || exit 1",
    ...quietly(before),
    "exec 3>&1 5<&0",
    // `printf` is the shell's own, so that no list of processes shows what it writes.
    `printf '%s\\n' "$token" | { unset token; exec ${words} 4<&0 0<&5 5<&- 1>&2; }`,
  ].join("\n");
}

function versionScript(before: readonly string[], command: readonly string[]): string {
  return [...quietly(before), `exec ${[...command, "--version"].map(shellQuoted).join(" ")}`].join("\n");
}

/** What stands before the command neither reads what is meant for it nor writes among what it says. */
function quietly(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["{", ...lines.map((line) => `${line} || exit`), "} </dev/null >&2"];
}

interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Whoever has not answered by the end of the start is not waited for: its connection is cut. */
function ssh(args: readonly string[], { env, startTimeoutMs }: CompleteSshOptions): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      "ssh",
      args,
      { env, timeout: startTimeoutMs, killSignal: "SIGKILL" },
      (error, stdout, stderr) => {
        const code = error?.code as unknown;
        if (code === "ENOENT" || code === "EACCES") reject(sshMissing());
        else resolve({ exitCode: error === null ? 0 : Number(code ?? 1), stdout, stderr });
      },
    );
    child.stdin?.end();
  });
}

/** Rejects when the host cannot be used, and says why: it is tried before anything is started. */
export async function checkHost(options: CompleteSshOptions, host: string): Promise<void> {
  const { before, command, version } = options;
  const { exitCode, stdout, stderr } = await ssh(sshArguments(options, host, versionScript(before, command)), options);
  if (exitCode === SSH_FAILED) throw connectionError(host, stderr);
  if (exitCode !== 0) {
    throw new FlockError(
      "FLOCK_SSH_COMMAND",
      `${command.join(" ")} does not run on ${host} (exit code ${exitCode}): ${stderr.trim() || "it said nothing"}. Install taskflock there, or say by command, directory and prologue how it is started: the PATH of \`ssh ${host} COMMAND\` is often shorter than yours.`,
    );
  }
  const there = stdout.trim().split("\n").at(-1) ?? "";
  if (there !== version) {
    const message = `${host} has taskflock ${there}, and here is ${version}. Install the same version on both.`;
    throw new FlockError("FLOCK_VERSION_MISMATCH", message);
  }
}

/** The name or address behind what the user calls a host, as ~/.ssh/config says. */
export async function hostNameOf(options: CompleteSshOptions, host: string): Promise<string> {
  const { stdout } = await ssh([...options.sshOptions, "-G", "--", host], options);
  return /^hostname (\S+)$/m.exec(stdout)?.[1] ?? host.replace(/^.*@/, "");
}

/** What ssh itself failed with. */
export function connectionError(host: string, stderr: string): FlockError {
  const said = stderr.trim() || "ssh said nothing";
  if (/host key verification failed|remote host identification has changed/i.test(said)) {
    const message = `${host} is not known, or is not who it was: ${said}. Connect once by hand (ssh ${host}) and compare its key.`;
    return new FlockError("FLOCK_SSH_REFUSED", message);
  }
  if (/permission denied|too many authentication failures|no supported authentication/i.test(said)) {
    const message = `${host} did not take the key: ${said}. No password is asked for: let \`ssh ${host}\` work without one (ssh-copy-id, ssh-agent), or name the key by sshOptions: ["-i", "key"].`;
    return new FlockError("FLOCK_SSH_REFUSED", message);
  }
  return new FlockError("FLOCK_SSH_UNREACHABLE", `${host} cannot be reached by ssh: ${said}.`);
}

export function sshMissing(): FlockError {
  return new FlockError(
    "FLOCK_SSH_MISSING",
    "There is no ssh in PATH. Install OpenSSH's client (Debian and Ubuntu: apt-get install openssh-client).",
  );
}
