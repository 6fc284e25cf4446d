// The sign-in page: what the server said of the last try, and where to go on. The form itself needs no script.

import "./styles/base.css";
import "./styles/sign-in.css";
import "./ui/theme.ts";

const reasons: Readonly<Record<string, string>> = {
  over: "You are not signed in any more: the session has ended, or the scheduler was started anew.",
  wrong: "That is not the token of this cluster. If you gave a name: it or the password is wrong.",
  down: "The scheduler, which knows who is who, does not answer. Try again soon.",
  wait: "Too many wrong tokens came from here. Wait a minute, then try again.",
  code: "This link was used already, or is too old. Ask for a new one, or sign in with the token.",
};

const said = new URLSearchParams(location.search);
const why = document.getElementById("why")!;
const reason = reasons[said.get("why") ?? ""];
why.textContent = reason ?? "";
why.hidden = reason === undefined;
(document.getElementById("to") as HTMLInputElement).value = said.get("to") ?? "/status";
document.getElementById("token")!.focus();
