// `taskflock certs`: certificates of a cluster's own, without openssl.
import { join } from "node:path";
import { type Command, Option } from "commander";
import type { InitOptions, Made, MakeOptions, RenewOptions, Shown } from "../certs/certificates.ts";
import { FILES } from "../certs/folder.ts";
import { printLine } from "../process.ts";
import { integer } from "../values.ts";
import { flag, toOption } from "./flags.ts";

interface MakeFlags {
  readonly host?: readonly string[];
  readonly days: number;
  readonly caDays: number;
}

interface InitFlags extends MakeFlags {
  readonly ifMissing?: boolean;
  readonly force?: boolean;
}

interface RenewFlags extends MakeFlags {
  readonly newCa?: boolean;
  readonly dropOldCa?: boolean;
}

const MOST_DAYS = 7_300;

const initHelp = `
It makes four files (ECDSA P-256):

  ca.pem             the cluster's certificate authority, for everything that connects: --tls-ca, TASKFLOCK_TLS_CA. Not secret
  ca-key.pem         its key (0600), which only renewing needs: best kept off the cluster's machines
  scheduler.pem      the scheduler's and its page's: --tls-cert
  scheduler-key.pem  its key (0600): --tls-key

The certificate is for the name scheduler.taskflock, which whoever has ca.pem takes for any address, and for localhost, 127.0.0.1, ::1. Browsers
and other programs want the name by which they connect: add it with --host.`;

const renewHelp = `
The scheduler takes a new certificate while it runs, and so do those that connect a new ca.pem: nothing is restarted.

A new authority, before the old one ends, or when its key is lost or stolen:
  taskflock certs renew DIR --new-ca        ca.pem has both now: bring it to everything that connects
  taskflock certs renew DIR --drop-old-ca   then: a certificate by the new one, and the old one is trusted no more`;

/** `taskflock certs init | renew | show` */
export function addCertsCommand(program: Command): void {
  const certs = program
    .command("certs")
    .description("Certificates for TLS: an authority of the cluster's own, and the scheduler's.");
  withMaking(
    certs.command("init").description("Make a certificate authority, and a certificate for the scheduler."),
    "a folder for them; made when it is not there",
  )
    .addOption(
      flag(
        "--if-missing",
        "keep what is there, and renew only a certificate that ends soon, lacks a --host or does not fit",
        "CERTS_IF_MISSING",
      ),
    )
    .option("--force", "replace what is there: whoever has the old ca.pem no longer connects")
    .addHelpText("after", initHelp)
    .action(init);
  withMaking(
    certs
      .command("renew")
      .description("Make a new certificate for the scheduler, by the same authority and for the same names."),
    "the folder of certs init",
  )
    .addOption(
      new Option("--new-ca", "only add a second authority to ca.pem, which signs from now on").conflicts("dropOldCa"),
    )
    .option("--drop-old-ca", "renew, and leave only the newest authority in ca.pem")
    .addHelpText("after", renewHelp)
    .action(renew);
  certs
    .command("show")
    .description(
      "Print what certificates are for, and until when. Ends with exit code 1 when somebody should see to them.",
    )
    .argument("<path>", "a folder of certs init, or a file of certificates (PEM)")
    .addOption(flag("--json", "print everything as JSON", "JSON").default(false))
    .action(show);
}

function withMaking(command: Command, folder: string): Command {
  return command
    .argument("<folder>", folder)
    .addOption(
      toOption({
        flags: "--host <names>",
        description: "names and addresses of the scheduler, comma-separated; may be repeated",
        variable: "CERTS_HOST",
        parse: hosts,
        repeats: true,
      }),
    )
    .addOption(
      flag("--days <n>", "how long the scheduler's certificate is valid, days", "CERTS_DAYS")
        .argParser(integer(1, MOST_DAYS))
        .default(365),
    )
    .addOption(
      flag("--ca-days <n>", "how long a new authority is valid, days", "CERTS_CA_DAYS")
        .argParser(integer(1, MOST_DAYS))
        .default(3_650),
    );
}

/** Nothing where the variable is empty. What they are is checked where they are used. */
function hosts(text: string): readonly string[] {
  return text
    .split(",")
    .map((piece) => piece.trim())
    .filter((piece) => piece !== "");
}

async function init(folder: string, flags: InitFlags): Promise<void> {
  const { initCertificates } = await import("../certs/certificates.ts");
  const present: InitOptions["present"] =
    flags.force === true ? "replace" : flags.ifMissing === true ? "keep" : "refuse";
  printMade(folder, await initCertificates(folder, { ...makeOptions(flags), present }));
}

async function renew(folder: string, flags: RenewFlags): Promise<void> {
  const { renewCertificates } = await import("../certs/certificates.ts");
  const authority: RenewOptions["authority"] =
    flags.newCa === true ? "add" : flags.dropOldCa === true ? "drop" : "keep";
  printMade(folder, await renewCertificates(folder, { ...makeOptions(flags), authority }));
  const bring = `Now bring ${join(folder, "ca.pem")} to everything that connects`;
  if (authority === "add") printLine(`${bring}. Then: taskflock certs renew ${folder} --drop-old-ca`);
  if (authority === "drop") printLine(`${bring}, so that the old authority is trusted nowhere.`);
}

function makeOptions({ host = [], days, caDays }: MakeFlags): MakeOptions {
  return { hosts: host, days, caDays };
}

function printMade(folder: string, { written, scheduler, authorities }: Made): void {
  const files = written.map((role) => join(folder, FILES[role]));
  printLine(files.length === 0 ? `kept what is in ${folder}` : `wrote ${files.join(", ")}`);
  const trusted = authorities === 1 ? "" : `; ${authorities} authorities are trusted`;
  const { names, validUntil } = scheduler;
  printLine(`the scheduler's certificate is for ${names.join(", ")}, until ${validUntil.slice(0, 10)}${trusted}`);
}

async function show(path: string, { json }: { readonly json: boolean }): Promise<void> {
  const { showCertificates } = await import("../certs/certificates.ts");
  const shown = await showCertificates(path);
  if (json) printLine(JSON.stringify(shown, null, 2));
  else printShown(shown);
  if (shown.warnings.length > 0) process.exitCode = 1;
}

function printShown({ certificates, warnings }: Shown): void {
  for (const { file, subject, issuer, isAuthority, names, validFrom, validUntil, daysLeft, ...ids } of certificates) {
    printLine(`${file}: ${isAuthority ? `authority ${subject}` : `for ${names.join(", ")}, by ${issuer}`}`);
    printLine(`  from ${day(validFrom)} until ${day(validUntil)}, ${daysLeft} days left`);
    printLine(`  SHA-256 ${ids.fingerprint256}`);
  }
  for (const warning of warnings) process.stderr.write(`${warning}\n`);
}

function day(time: string): string {
  return time.slice(0, 10);
}
