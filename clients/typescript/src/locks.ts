// The lock for requests that change the refresh cookie: one at a time in all tabs.

import type { Locks } from "./options.js";

/** Work under the lock. `waited` says whether the lock was held at first. */
export type Work<T> = (waited: boolean) => Promise<T>;

export class Exclusive {
  readonly #locks: Locks;
  readonly #name: string;
  readonly #patience: number;

  /** `patience`: milliseconds to wait for a held lock; the work then runs without it. */
  constructor(locks: Locks | null, name: string, patience: number) {
    this.#locks = locks ?? new OwnLock();
    this.#name = name;
    this.#patience = patience;
  }

  /**
   * Runs `work` under the lock. If the lock is unavailable, the work runs without it: the server
   * accepts two refreshes at the same time.
   */
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
      // The work itself failed, not the lock.
      if (begun) throw error;
      return await work(true);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** A lock for this tab only, for browsers without Web Locks. */
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
    const fail = (): void => reject(new DOMException("the lock was not free in time", "AbortError"));
    if (signal?.aborted) fail();
    signal?.addEventListener("abort", fail, { once: true });
  });
}
