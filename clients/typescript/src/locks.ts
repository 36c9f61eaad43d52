// One at a time: whatever writes the refresh cookie must not cross another such request, in this tab or in another one.

import type { Locks } from "./options.js";

/** Work behind a lock; `waited` says that somebody else had it before. */
export type Work<T> = (waited: boolean) => Promise<T>;

export class Exclusive {
  readonly #locks: Locks;
  readonly #name: string;
  readonly #patience: number;

  /** `patience`: after so many milliseconds a lock that somebody holds is passed over. */
  constructor(locks: Locks | null, name: string, patience: number) {
    this.#locks = locks ?? new OwnLock();
    this.#name = name;
    this.#patience = patience;
  }

  /** Runs this alone. A lock that cannot be had is no reason to fail: the server bears two refreshes at once. */
  async run<T>(work: Work<T>): Promise<T> {
    let begun: Promise<T> | null = null;
    const begin = (waited: boolean): Promise<T> => (begun = work(waited));
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), this.#patience);
    try {
      const free = async (lock: unknown): Promise<{ value: T } | null> => (lock ? { value: await begin(false) } : null);
      const done = await this.#locks.request(this.#name, { ifAvailable: true }, free);
      if (done) return done.value;
      return await this.#locks.request(this.#name, { signal: controller.signal }, () => begin(true));
    } catch (error) {
      // Work that has begun fails for reasons of its own.
      if (begun) throw error;
      return await work(true);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Locks of this tab alone, where the browser has none: one queue. */
class OwnLock implements Locks {
  #tail: Promise<unknown> | null = null;

  async request<T>(
    _name: string,
    options: { ifAvailable?: boolean; signal?: AbortSignal },
    work: (lock: unknown) => Promise<T>,
  ): Promise<T> {
    if (this.#tail && options.ifAvailable) return work(null);
    while (this.#tail) await Promise.race([this.#tail, aborted(options.signal)]);
    const turn = work(this);
    const over = turn.then(
      () => {},
      () => {},
    );
    this.#tail = over;
    void over.then(() => {
      if (this.#tail === over) this.#tail = null;
    });
    return turn;
  }
}

function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => reject(new DOMException("the lock took too long", "AbortError"));
    if (signal?.aborted) fail();
    signal?.addEventListener("abort", fail, { once: true });
  });
}
