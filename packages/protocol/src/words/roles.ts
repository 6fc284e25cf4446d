// Who is who, and may do what. A token says who shows it.

/**
 * `admin`: everything. `submitter`: work of one's own, not the workers as such. `viewer`: looks. `worker`: joins as a worker or its nanny,
 * and its tasks may submit as a submitter may.
 */
export type Role = "admin" | "submitter" | "viewer" | "worker";

export const roles: readonly Role[] = ["admin", "submitter", "viewer", "worker"];

/** What a token that was shown stands for. */
export interface Identity {
  /** A user's name; "" for the cluster's own token. */
  readonly user: string;
  readonly role: Role;
}
