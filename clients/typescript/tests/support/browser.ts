// The parts of a browser that Node does not have, or has in another form: locks over tabs, and
// channels that deliver messages only when the test lets them.

import { AuthService } from "../../src/index.js";
import type { AuthChange, AuthOptions, Channel, Locks } from "../../src/index.js";
import { FakeServer } from "./server.js";

/** `navigator.locks` over all tabs; requests get a lock in the order in which they arrive. */
export class FakeLocks implements Locks {
  readonly #queues = new Map<string, Promise<unknown>>();
  taken = 0;

  async request<T>(name: string, options: { ifAvailable?: boolean; signal?: AbortSignal }, work: (lock: unknown) => Promise<T>): Promise<T> {
    const before = this.#queues.get(name);
    if (before && options.ifAvailable) return work(null);
    let release = (): void => {};
    const mine = new Promise<void>((resolve) => (release = resolve));
    const queue = (before ?? Promise.resolve()).then(() => mine);
    this.#queues.set(name, queue);
    try {
      await Promise.race([before, ...(options.signal ? [rejected(options.signal)] : [])]);
      this.taken += 1;
      return await work({ name });
    } finally {
      release();
      if (this.#queues.get(name) === queue) this.#queues.delete(name);
    }
  }
}

function rejected(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
  });
}

/** A `BroadcastChannel` for each tab. Messages are copies and arrive later, in order. */
export class FakeChannels {
  readonly #open = new Set<Channel & { name: string }>();
  readonly sent: unknown[] = [];
  /** Messages that wait while the tabs sleep; null while they are awake. */
  #asleep: (() => void)[] | null = null;

  readonly open = (name: string): Channel => {
    const channel: Channel & { name: string } = {
      name,
      onmessage: null,
      postMessage: (message) => {
        const copy = structuredClone(message);
        this.sent.push(copy);
        for (const other of this.#open) {
          if (other === channel || other.name !== name) continue;
          const deliver = (): void => {
            if (this.#open.has(other)) other.onmessage?.({ data: copy } as MessageEvent);
          };
          if (this.#asleep) this.#asleep.push(deliver);
          else setTimeout(deliver, 0);
        }
      },
      close: () => void this.#open.delete(channel),
    };
    this.#open.add(channel);
    return channel;
  };

  sleep(): void {
    this.#asleep ??= [];
  }

  wake(): void {
    const late = this.#asleep ?? [];
    this.#asleep = null;
    for (const deliver of late) deliver();
  }
}

export interface Tab {
  readonly auth: AuthService;
  readonly changes: AuthChange[];
}

/** A browser with one cookie jar, and as many tabs as a test opens. */
export class Browser {
  readonly server = new FakeServer();
  readonly locks = new FakeLocks();
  readonly channels = new FakeChannels();

  tab(options: AuthOptions = {}): Tab {
    const auth = new AuthService({
      baseUrl: "https://app.example/api/auth",
      fetch: this.server.fetch,
      locks: this.locks,
      channel: this.channels.open,
      ...options,
    });
    const changes: AuthChange[] = [];
    auth.subscribe((change) => changes.push(change));
    return { auth, changes };
  }

  /** Opens a tab and logs in. */
  async loggedIn(user = "jeju", options: AuthOptions = {}): Promise<Tab> {
    const tab = this.tab(options);
    await tab.auth.login({ user_id: user, password: "right" });
    return tab;
  }
}

/** Waits until due timers and promises have run, so that messages between tabs have arrived. */
export const settled = (ms = 5): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until `holds` returns true. The test's own time limit is the deadline. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await settled(1);
}

export const DATA = "https://app.example/api/data";
