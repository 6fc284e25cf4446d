// What a thread is asked for when it is to be sampled, in this order.

/**
 * A function that was optimized before is seen no more: where the optimizer put it into its caller, samples name the caller, which is
 * ours for the function of a task. So all optimized code is thrown away once sampling has begun, as counting calls does: what is optimized
 * anew says what is in it.
 */
export function profileSteps(intervalUs: number): readonly (readonly [method: string, params: object])[] {
  return [
    ["Profiler.enable", {}],
    ["Profiler.setSamplingInterval", { interval: intervalUs }],
    ["Profiler.start", {}],
    ["Profiler.startPreciseCoverage", { callCount: false, detailed: false }],
    ["Profiler.stopPreciseCoverage", {}],
  ];
}
