// Patterns of file names: `*` and `?` stay inside one folder, `**` goes through folders.

export const hasWildcard = (text: string): boolean => /[*?]/.test(text);

export function matcher(pattern: string): (name: string) => boolean {
  const source = pattern.replace(/\*\*\/|\*\*|\*|\?|[^*?]+/g, (part) => {
    if (part === "**/") return "(?:.*/)?";
    if (part === "**") return ".*";
    if (part === "*") return "[^/]*";
    return part === "?" ? "[^/]" : part.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  });
  const expression = new RegExp(`^${source}$`, "s");
  return (name) => expression.test(name);
}
