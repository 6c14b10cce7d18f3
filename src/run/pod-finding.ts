import type { FailureClass } from '../model/outcome.ts';

/** What is wrong with a pod or a Job, told in words for users. */
export interface PodFinding {
  readonly class: FailureClass;
  /** Kebab-case; `code` of the outcome of datums that fail by it. */
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  /**
   * `wait`: may pass by itself; told once, and given up after the stage's schedule_timeout. `stop`: nothing can come of this Job.
   * `confirm`: the same once it was reported a second time. `elsewhere`: goes on in another pod, at no cost of a retry.
   * `again`: counts as a failure of the pod; the Job tries again.
   */
  readonly then: 'wait' | 'stop' | 'confirm' | 'elsewhere' | 'again';
}
