import { Backoff } from './backoff.js';

/** Runs `attempt` until it no longer fails for want of a server, with growing waits; returns what it returns. */
export async function whenReachable(attempt) {
  const backoff = new Backoff();
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const isPassing = error.status === 0 || error.status === 429 || error.status >= 500;
      if (!isPassing) throw error;
      const wait = Math.max(backoff.next(), (error.retryAfter ?? 0) * 1_000);
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}
