// Takes profiles one after the other until it is stopped, and shows them as one.

import "./profile.css";
import { useEffect, useRef, useState } from "preact/hooks";
import { api, query } from "../../feed/api.ts";
import { Empty, ErrorNote, Section } from "../../ui/basics.tsx";
import { download } from "../../ui/download.ts";
import { Flame } from "./flame.tsx";
import { mergedProfiles, type Profile } from "./flame-model.ts";
import { toCpuProfile, toSpeedscope } from "./profile-files.ts";
import { ProfileSummary } from "./profile-summary.tsx";

/** A part of this length is asked for at a time, so that the graph grows while it is watched. */
const PART_SECONDS = 2;

export interface LiveProfileProps {
  /** Their names; none: all. */
  readonly workers: readonly string[];
  readonly search?: string;
  readonly title?: string;
}

interface State {
  readonly profile: Profile | null;
  readonly error: unknown;
  readonly isRunning: boolean;
}
const nothing: State = { profile: null, error: null, isRunning: false };

function useProfile(workers: readonly string[]) {
  const [state, setState] = useState<State>(nothing);
  const running = useRef<AbortController | null>(null);
  const stop = (): void => {
    running.current?.abort();
    running.current = null;
    setState((before) => ({ ...before, isRunning: false }));
  };
  const start = async (): Promise<void> => {
    const mine = new AbortController();
    running.current = mine;
    setState({ ...nothing, isRunning: true });
    const path = query("profile", { workers: workers.join(","), seconds: PART_SECONDS });
    while (!mine.signal.aborted) {
      try {
        const part = await api.get<Profile>(path, mine.signal);
        if (mine.signal.aborted) return;
        setState((before) => ({
          ...before,
          profile: before.profile === null ? part : mergedProfiles(before.profile, part),
        }));
      } catch (error) {
        if (mine.signal.aborted) return;
        running.current = null;
        setState((before) => ({ ...before, error, isRunning: false }));
        return;
      }
    }
  };
  useEffect(() => () => running.current?.abort(), []);
  return { ...state, start: () => void start(), stop };
}

export function LiveProfile({ workers, search = "", title = "Live profile" }: LiveProfileProps) {
  const { profile, error, isRunning, start, stop } = useProfile(workers);
  const name = workers.length === 1 ? workers[0]! : "cluster";
  const tools = (
    <>
      {isRunning ? (
        <button type="button" onClick={stop}>
          Stop
        </button>
      ) : (
        <button type="button" class="primary" onClick={start}>
          Start a profile
        </button>
      )}
      {profile !== null && <Downloads profile={profile} name={name} />}
    </>
  );
  return (
    <Section title={title} tools={tools}>
      {error !== null && <ErrorNote error={error} onRetry={start} />}
      {profile === null && (
        <Empty>
          {isRunning ? "Sampling; the first picture comes in two seconds …" : "No profile has been taken yet."}
        </Empty>
      )}
      {profile !== null && <ProfileSummary profile={profile} isRunning={isRunning} />}
      {profile !== null && <Flame profile={profile} search={search} />}
    </Section>
  );
}

function Downloads({ profile, name }: { readonly profile: Profile; readonly name: string }) {
  return (
    <>
      <button
        type="button"
        onClick={() => download(`${name}.cpuprofile`, JSON.stringify(toCpuProfile(profile)), "application/json")}
      >
        Download .cpuprofile
      </button>
      <button
        type="button"
        onClick={() =>
          download(`${name}.speedscope.json`, JSON.stringify(toSpeedscope(profile, name)), "application/json")
        }
      >
        Download for speedscope
      </button>
    </>
  );
}
