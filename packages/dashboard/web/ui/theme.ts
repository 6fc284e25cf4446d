// Light, dark, or as the reader's system has it; remembered.

import { computed, type ReadonlySignal, signal } from "@preact/signals";

export const themes = ["system", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

const STORED = "taskflock-theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(system.matches);
const chosen = signal<Theme>(remembered());

export const theme: ReadonlySignal<Theme> = chosen;
/** For what is drawn on canvas: components that read it are drawn again when it changes. */
export const isDark: ReadonlySignal<boolean> = computed(() =>
  chosen.value === "system" ? systemIsDark.value : chosen.value === "dark",
);

function remembered(): Theme {
  try {
    return themes.find((name) => name === localStorage.getItem(STORED)) ?? "system";
  } catch {
    return "system"; // storage is forbidden
  }
}

function apply(value: Theme): void {
  document.documentElement.dataset["theme"] = value;
}

export function chooseTheme(value: Theme): void {
  chosen.value = value;
  apply(value);
  try {
    localStorage.setItem(STORED, value);
  } catch {
    // It holds until the page is closed.
  }
}

system.addEventListener("change", ({ matches }) => {
  systemIsDark.value = matches;
});
apply(chosen.peek());

/** The value of a CSS variable such as "--text" as a colour that a canvas understands. */
export function cssColour(name: string): string {
  probe ??= document.createElement("span");
  probe.style.color = `var(${name})`;
  probe.hidden = true;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

let probe: HTMLElement | undefined;
