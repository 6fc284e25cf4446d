// The view of the address: loads its code, tells the feed what it needs, and keeps the frame standing when it fails.

import { Component, type ComponentChildren, type ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { wish } from "../feed/store.ts";
import { type Page, type PageProps, pages } from "../pages/index.ts";
import { Empty, ErrorNote, Loading } from "../ui/basics.tsx";
import { isReport } from "./report-mode.ts";
import { pathname } from "./router.ts";
import { BASE, findPage, type Match } from "./routes.ts";

export function View() {
  const at = pathname.value;
  const match = findPage(pages, at);
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  const title = match === undefined ? "Nothing here" : titleOf(match);
  useEffect(() => {
    document.title = `${title} – Taskflock`;
    const run = match?.page.runParam === undefined ? 0 : Number(match.params[match.page.runParam]) || 0;
    wish(match?.page.topics ?? [], run);
    // Whoever followed a link by keyboard or hears the page goes on at the new view's beginning.
    if (!isFirst.current) main.current?.focus({ preventScroll: true });
    if (!isFirst.current) scrollTo(0, 0);
    isFirst.current = false;
  }, [at]);
  return (
    <main id="main" ref={main} tabIndex={-1}>
      <h1>{title}</h1>
      <Guard key={at}>
        {match === undefined ? <NotFound at={at} /> : <Loaded key={match.page.path} match={match} />}
      </Guard>
    </main>
  );
}

function titleOf({ page, params }: Match<Page>): string {
  return page.title.replace(/\{(\w+)\}/g, (_all, name: string) => params[name] ?? "");
}

function NotFound({ at }: { readonly at: string }) {
  if (isReport) {
    return (
      <Empty>
        A report does not hold this view; the live page does. The <a href={`${BASE}/summary`}>summary</a> says what is
        in the report.
      </Empty>
    );
  }
  return (
    <Empty>
      There is no view at {at}. The <a href={BASE}>status</a> is the place to begin.
    </Empty>
  );
}

const loaded = new Map<string, ComponentType<PageProps>>();

function Loaded({ match: { page, params } }: { readonly match: Match<Page> }) {
  const [failed, setFailed] = useState<unknown>(null);
  const [, setReady] = useState(loaded.has(page.path));
  useEffect(() => {
    if (loaded.has(page.path)) return;
    let isGone = false;
    page.load().then(
      (component) => {
        loaded.set(page.path, component);
        if (!isGone) setReady(true);
      },
      (error: unknown) => isGone || setFailed(error),
    );
    return () => {
      isGone = true;
    };
  }, [page.path]);
  const Shown = loaded.get(page.path);
  if (Shown !== undefined) return <Shown params={params} />;
  // A file that is gone belongs to a page of an older version: loading the page anew brings the new ones.
  if (failed !== null) return <ErrorNote error={failed} onRetry={() => location.reload()} />;
  return <Loading />;
}

/** Shows what a view threw, in its place. */
class Guard extends Component<{ readonly children: ComponentChildren }, { readonly error: unknown }> {
  override state = { error: null as unknown };

  static override getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override componentDidCatch(error: unknown): void {
    console.error(error);
  }

  override render(): ComponentChildren {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return <ErrorNote error={error} onRetry={() => this.setState({ error: null })} />;
  }
}
