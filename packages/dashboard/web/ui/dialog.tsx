// Actions that change the cluster: a button that asks first, and says what came of it. Readers without the right do not see it.

import { useId, useRef, useState } from "preact/hooks";
import { errorText } from "../feed/api.ts";
import { mayAct } from "../feed/session.ts";
import { toast } from "./toast.tsx";

export interface ActionProps {
  /** On the button, and on the one that confirms: "Cancel 12 tasks". */
  readonly label: string;
  /** What will happen, in a sentence or two. */
  readonly question: string;
  /** Does it; the text it resolves to is shown. */
  readonly run: () => Promise<string>;
  readonly isDangerous?: boolean;
  readonly isDisabled?: boolean;
}

export function Action({ label, question, run, isDangerous = false, isDisabled = false }: ActionProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  const [isBusy, setBusy] = useState(false);
  if (!mayAct.value) return null;
  const confirm = async (): Promise<void> => {
    setBusy(true);
    try {
      toast(await run());
    } catch (error) {
      toast(errorText(error), true);
    }
    setBusy(false);
    dialog.current?.close();
  };
  return (
    <>
      <button type="button" disabled={isDisabled} onClick={() => dialog.current?.showModal()}>
        {label}
      </button>
      <dialog ref={dialog} aria-labelledby={title}>
        <h2 id={title}>{label}?</h2>
        <p>{question}</p>
        <div class="dialog-buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            Go back
          </button>
          <button type="button" class={isDangerous ? "danger" : "primary"} disabled={isBusy} onClick={confirm}>
            {label}
          </button>
        </div>
      </dialog>
    </>
  );
}
