// The navigation: at the side where there is room, behind a button on a phone.

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { pages } from "../pages/index.ts";
import { pathname } from "./router.ts";
import { BASE } from "./routes.ts";

export const isMenuOpen = signal(false);

/** "/status/tasks/7" is in Tasks. */
function isWithin(path: string, at: string): boolean {
  const own = path === "/" ? BASE : BASE + path;
  return at === own || (path !== "/" && at.startsWith(`${own}/`));
}

export function Menu() {
  const at = pathname.value;
  const nav = useRef<HTMLElement>(null);
  const isOpen = isMenuOpen.value;
  useEffect(() => {
    isMenuOpen.value = false;
  }, [at]);
  useEffect(() => {
    if (!isOpen) return;
    const cameFrom = document.activeElement;
    nav.current?.querySelector("a")?.focus();
    const close = ({ key }: KeyboardEvent): void => {
      if (key !== "Escape") return;
      isMenuOpen.value = false;
      if (cameFrom instanceof HTMLElement) cameFrom.focus();
    };
    addEventListener("keydown", close);
    return () => removeEventListener("keydown", close);
  }, [isOpen]);
  return (
    <nav id="menu" ref={nav} class={isOpen ? "menu open" : "menu"} aria-label="Views">
      <ul>
        {pages.map(({ path, menu }) =>
          menu === undefined ? null : (
            <li key={path}>
              <a href={path === "/" ? BASE : BASE + path} aria-current={isWithin(path, at) ? "page" : undefined}>
                {menu}
              </a>
            </li>
          ),
        )}
      </ul>
    </nav>
  );
}
