// The navigation: at the side where there is room, behind a button on a phone.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
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
  useEffect(() => {
    isMenuOpen.value = false;
  }, [at]);
  useEffect(() => {
    const close = ({ key }: KeyboardEvent): void => {
      if (key === "Escape") isMenuOpen.value = false;
    };
    addEventListener("keydown", close);
    return () => removeEventListener("keydown", close);
  }, []);
  return (
    <nav id="menu" class={isMenuOpen.value ? "menu open" : "menu"} aria-label="Views">
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
