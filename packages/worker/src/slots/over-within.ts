/** False when it takes longer. */
export async function isOverWithin(over: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  try {
    return await Promise.race([over.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
