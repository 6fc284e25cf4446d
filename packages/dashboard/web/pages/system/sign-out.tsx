// Ends the reader's session on this dashboard.

import { toast } from "../../ui/toast.tsx";

export function SignOut() {
  const signOut = async (): Promise<void> => {
    try {
      await fetch("/sign-out", { method: "POST" });
      location.assign("/sign-in");
    } catch {
      toast("The server does not answer: you are still signed in.", true);
    }
  };
  return (
    <p class="more">
      <button type="button" onClick={signOut}>
        Sign out
      </button>
    </p>
  );
}
