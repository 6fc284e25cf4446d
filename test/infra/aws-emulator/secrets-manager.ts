import { randomBytes } from "node:crypto";
import type { Actions } from "./actions.ts";

export const secretsManager: Actions = {
  GetRandomPassword: ({ input }) => ({
    RandomPassword: randomBytes(256)
      .toString("base64")
      .replace(/[^A-Za-z0-9]/g, "")
      .slice(0, input.number("PasswordLength") ?? 32),
  }),
};
