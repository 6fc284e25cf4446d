// Short messages about what was done, at the edge of the page.

import { signal } from "@preact/signals";

interface ToastMessage {
  readonly id: number;
  readonly text: string;
  readonly isBad: boolean;
}

const shown = signal<readonly ToastMessage[]>([]);
let last = 0;

const SHOWN_MS = 6000;

/** Says it for six seconds; bad news stay until they are closed. */
export function toast(text: string, isBad: boolean = false): void {
  const id = ++last;
  shown.value = [...shown.value.slice(-3), { id, text, isBad }];
  if (!isBad) setTimeout(() => close(id), SHOWN_MS);
}

function close(id: number): void {
  shown.value = shown.value.filter((message) => message.id !== id);
}

/** Where they appear: once in the page. */
export function Toasts() {
  return (
    <div class="toasts" role="status">
      {shown.value.map(({ id, text, isBad }) => (
        <div key={id} class={isBad ? "toast bad" : "toast"}>
          <span>{text}</span>
          <button type="button" aria-label="Close this message" onClick={() => close(id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
