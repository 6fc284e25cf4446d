// What the scheduler's process takes, as it says to Prometheus.

import { useEffect, useState } from "preact/hooks";
import { Empty, Loading, Section } from "../../ui/basics.tsx";
import { byteRate, bytes, duration, number, percent, rate, UNKNOWN } from "../../ui/format.ts";
import { Facts } from "./facts.tsx";
import { schedulerMetrics } from "./system-model.ts";

interface Sample {
  readonly at: number;
  readonly values: ReadonlyMap<string, number>;
}

/** Seldom: with many workers the answer is long. */
const EVERY_MS = 5000;
/** But the second soon, because rates need two. */
const SECOND_MS = 1000;

/** The last two answers; "none" where there are no metrics. */
function useMetrics(): readonly Sample[] | "none" {
  const [samples, setSamples] = useState<readonly Sample[] | "none">([]);
  useEffect(() => {
    const end = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    let wait = SECOND_MS;
    const ask = async (): Promise<void> => {
      if (!document.hidden) {
        const sample = await metricsNow(end.signal);
        if (end.signal.aborted) return;
        // A dashboard without metrics stays one; a server that does not answer may come back.
        if (sample === "none") return setSamples("none");
        if (sample !== null) setSamples((old) => [...(old === "none" ? [] : old.slice(-1)), sample]);
      }
      timer = setTimeout(ask, wait);
      wait = EVERY_MS;
    };
    void ask();
    return () => {
      end.abort();
      clearTimeout(timer);
    };
  }, []);
  return samples;
}

async function metricsNow(signal: AbortSignal): Promise<Sample | "none" | null> {
  try {
    const response = await fetch("/metrics", { signal });
    if (response.status === 404) return "none";
    return response.ok ? { at: performance.now(), values: schedulerMetrics(await response.text()) } : null;
  } catch {
    return null;
  }
}

export function SchedulerProcess() {
  const samples = useMetrics();
  return (
    <Section title="The scheduler's process">
      {samples === "none" ? (
        <Empty>
          This dashboard runs in a process of its own. The one in the scheduler's process knows these figures.
        </Empty>
      ) : samples.length === 0 ? (
        <Loading />
      ) : (
        <Figures samples={samples} />
      )}
    </Section>
  );
}

function Figures({ samples }: { readonly samples: readonly Sample[] }) {
  const last = samples.at(-1)!;
  const get = (name: string): number | null => last.values.get(name) ?? null;
  const perSecond = (name: string): number | null => {
    const first = samples[0]!;
    if (first === last) return null;
    return ((get(name) ?? 0) - (first.values.get(name) ?? 0)) / ((last.at - first.at) / 1000);
  };
  const cpu = perSecond("cpu_seconds_total");
  const delay = get("event_loop_delay_seconds");
  return (
    <Facts
      facts={[
        ["Memory", bytes(get("resident_memory_bytes"))],
        ["Processor", cpu === null ? UNKNOWN : `${percent(cpu)} of a core`],
        ["Event loop's delay", `${duration(delay === null ? null : delay * 1e6)} (99 of 100 are shorter)`],
        ["Arguments and small results", `${bytes(get("payload_bytes"))} in ${number(get("payloads"))}`],
        ["Events taken in", rate(perSecond("events_total"))],
        ["Received", byteRate(perSecond("received_bytes_total"))],
        ["Sent", byteRate(perSecond("sent_bytes_total"))],
        ["Transfers through it", `${number(get("relays_total"))}, ${bytes(get("relayed_bytes_total"))}`],
      ]}
    />
  );
}
