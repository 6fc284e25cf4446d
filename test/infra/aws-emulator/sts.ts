import type { Actions } from "./actions.ts";

export const sts: Actions = {
  GetCallerIdentity: ({ accessKey }, world) => {
    const role = world.sessions.get(accessKey);
    const who = role === undefined ? "user/ada" : `assumed-role/${role}/instance`;
    return { Arn: world.arn(role === undefined ? "iam" : "sts", who), UserId: "ADA", Account: world.account };
  },
};
