import { roles } from "@taskflock/protocol/words";
import { type Command, Option } from "commander";
import { printLine } from "../process.ts";
import { flag } from "./flags.ts";

interface FileFlags {
  readonly usersFile: string;
}

interface PasswordFlags extends FileFlags {
  readonly passwordFile?: string;
  readonly generate: boolean;
  readonly tokenFile?: string;
}

/** `taskflock user`: who may come to a cluster beside those who have its own token. */
export function addUserCommand(program: Command): void {
  const user = program
    .command("user")
    .description(
      "Users of a cluster, in a file that the scheduler reads (--users-file) and goes on reading: what is changed here holds within a second.",
    );
  const role = (): Option =>
    new Option(
      "--role <role>",
      "admin: everything; submitter: work of one's own; viewer: looks; worker: joins as one",
    ).choices([...roles]);
  withPassword(user.command("add <name>").description("Add a user. What they show as token is NAME:PASSWORD."))
    .addOption(role().makeOptionMandatory())
    .action(async (name: string, flags: PasswordFlags & { readonly role: string }) => {
      const { addUser } = await import("../users.ts");
      const token = await addUser(name, flags.role, flags);
      if (token !== null) printLine(token);
    });
  withPassword(user.command("password <name>").description("Give a user another password. Their sessions end.")).action(
    async (name: string, flags: PasswordFlags) => {
      const { changePassword } = await import("../users.ts");
      const token = await changePassword(name, flags);
      if (token !== null) printLine(token);
    },
  );
  withFile(user.command("role <name>").description("Give a user another role. Their sessions end."))
    .addOption(role().makeOptionMandatory())
    .action(async (name: string, flags: FileFlags & { readonly role: string }) => {
      const { changeRole } = await import("../users.ts");
      changeRole(name, flags.role, flags);
    });
  withFile(user.command("remove <name>").description("Remove a user. Their sessions end.")).action(
    async (name: string, flags: FileFlags) => {
      const { removeUser } = await import("../users.ts");
      removeUser(name, flags);
    },
  );
  withFile(user.command("list").description("Print who there is: name, role, since when."))
    .addOption(flag("--json", "print them as JSON", "JSON").default(false))
    .action(async (flags: FileFlags & { readonly json: boolean }) => {
      const { listUsers } = await import("../users.ts");
      for (const line of listUsers(flags.json, flags)) printLine(line);
    });
}

function withFile(command: Command): Command {
  return command.addOption(
    flag(
      "--users-file <file>",
      "file of the users, which `add` makes, with mode 0600, when it is not there",
      "USERS_FILE",
    ).makeOptionMandatory(),
  );
}

function withPassword(command: Command): Command {
  return withFile(command)
    .addOption(new Option("--password-file <file>", "file that holds the password (default: it is asked for)"))
    .addOption(new Option("--generate", "make a password; prints the user's token, once").default(false))
    .addOption(new Option("--token-file <file>", "leave the user's token (NAME:PASSWORD) in this file, mode 0600"));
}
