// How a task failed: the message and the user's own line first, then what it was called with, what it printed, and the whole stack.

import { Section } from "../../ui/basics.tsx";
import { placeText, readStack, type StackLine } from "./stack-model.ts";
import type { TaskError } from "./task-model.ts";

export function ErrorView({ error }: { readonly error: TaskError }) {
  const { lines, first } = readStack(error.stack, error.message);
  const place = error.place ?? first ?? error.causes.find((cause) => cause.place !== null)?.place ?? null;
  return (
    <Section title="Error">
      <div class="error-view">
        <p class="error-line">
          {error.name}: {error.message} {error.code !== "" && <code>{error.code}</code>}
        </p>
        <dl class="facts">
          {place !== null && (
            <>
              <dt>Thrown at</dt>
              <dd class="mono">{placeText(place)}</dd>
            </>
          )}
          {error.line !== "" && (
            <>
              <dt>Line</dt>
              <dd>
                <code class="user-line">{error.line}</code>
              </dd>
            </>
          )}
          {error.arguments !== "" && (
            <>
              <dt>Called with</dt>
              <dd class="mono">{error.arguments}</dd>
            </>
          )}
        </dl>
        {lines.length > 1 && <StackView lines={lines} />}
        {error.causes.map(({ name, message, stack }, index) => (
          <div key={index}>
            <h3>
              Caused by {name}: {message}
            </h3>
            <StackView lines={readStack(stack, message).lines} />
          </div>
        ))}
        {error.log.length > 0 && (
          <>
            <h3>Last printed</h3>
            <Lines label="Last lines that it printed" lines={error.log} />
          </>
        )}
      </div>
    </Section>
  );
}

const classes: Readonly<Record<StackLine["kind"], string>> = {
  header: "header-line",
  user: "user-line",
  other: "other-line",
};

function StackView({ lines }: { readonly lines: readonly StackLine[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="stack" tabIndex={0} aria-label="Stack; lines of your own code are marked">
      <pre>
        {lines.map(({ text, kind }, index) => (
          <span key={index} class={classes[kind]}>
            {`${text}\n`}
          </span>
        ))}
      </pre>
    </section>
  );
}

export function Lines({ label, lines }: { readonly label: string; readonly lines: readonly string[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="printed" tabIndex={0} aria-label={label}>
      <pre>{lines.join("\n")}</pre>
    </section>
  );
}
