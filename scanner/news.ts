import type { Conversation, DesiredShadow } from './conversation.ts';

/** A conversation that knows which versions of the shadows it has seen, so that a delta can be told from an echo. */
export interface Listening {
  /** The same conversation; whoever reads and writes through it is not told of what they know. */
  conversation: Conversation;
  /** A delta that says that this version of a shadow differs from what is reported. */
  heard(name: DesiredShadow, delta: unknown): void;
}

const versionOf = (delta: unknown): number => {
  const version = (delta as { version?: unknown } | null)?.version;
  return typeof version === 'number' ? version : Number.POSITIVE_INFINITY;
};

/**
 * Each report of our own brings a delta with what is still outstanding, under the version that the report made, before its answer or after it
 * (AWS IoT, "Delta messages"). So a delta is news when its version is later than any that was read or written here; while a report is
 * under way it is not known yet, and judged afterwards. A delta without a version is always news.
 */
export const listenTo = (opened: Conversation, onNews: () => void): Listening => {
  const seen = new Map<string, number>();
  const heard = new Map<string, number>();
  let reporting = 0;

  const later = (versions: Map<string, number>, name: string, version: number): void => {
    versions.set(name, Math.max(versions.get(name) ?? 0, version));
  };

  const judge = (): void => {
    if (reporting > 0) return;
    const news = [...heard].filter(([name, version]) => version > (seen.get(name) ?? 0));
    heard.clear();
    if (news.length > 0) onNews();
  };

  return {
    conversation: {
      ...opened,
      async shadow(name) {
        const shadow = await opened.shadow(name);
        if (shadow) later(seen, name, shadow.version);
        return shadow;
      },
      async report(name, reported, version) {
        reporting += 1;
        try {
          const made = await opened.report(name, reported, version);
          later(seen, name, made);
          return made;
        } finally {
          reporting -= 1;
          judge();
        }
      },
    },
    heard(name, delta) {
      later(heard, name, versionOf(delta));
      judge();
    },
  };
};
