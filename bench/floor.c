/* The floor: the engine's arithmetic in C, from arrays of instants to results whose members are bit masks.
 *
 * Gaps and rule windows -> windows of possible starts, member by member, in blocks of time -> for slots a count per group
 * and start of the grid and a bit per member and start, for periods the sorted changes and a mask -> results, until
 * there are enough. One thread; every call uses the same room to work in.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int64_t instant;

typedef struct {
    int64_t members, groups, words; /* words: 64 members each, in a mask */
    const int64_t *event_at;        /* events of member m: event_at[m] up to event_at[m + 1], by start */
    const instant *event_starts, *event_ends;
    const int64_t *gap_at; /* where the gaps of member m begin */
    int64_t *gap_counts;
    instant *gap_starts, *gap_ends;
    const int64_t *window_at;
    const instant *window_starts, *window_ends;
    const uint64_t *groups_of; /* of each member, a bit per group, of which there are 64 at most */
    const int64_t *required;
    instant begin, end;
    int64_t duration, interval, before, after, most;
    instant *starts, *ends; /* the results, with room for `most` */
    uint64_t *masks;
} question;

enum { SLOTS, OVERLAPPING, PERIODS };
#define NEVER INT64_MIN
#define FAR ((instant)1 << 62)
#define BLOCK 1024 /* starts of the grid looked at together */
#define BLOCK_WORDS (BLOCK / 64)
#define FIRST_CHUNK 86400 /* seconds of changes looked at together, doubled from chunk to chunk */

static void *room(int which, size_t bytes) {
    static void *rooms[6];
    static size_t sizes[6];
    if (bytes > sizes[which]) {
        rooms[which] = realloc(rooms[which], bytes);
        sizes[which] = bytes;
    }
    return rooms[which];
}

/* A member's gaps and rule windows, walked side by side. */
typedef struct {
    const instant *gap_starts, *gap_ends, *window_starts, *window_ends;
    int64_t gap, gaps, window, windows;
    instant open_until; /* for periods: the end of a window of starts that reaches beyond the chunk, or NEVER */
} walk;

static walk *walks_of(const question *q) {
    walk *walks = room(0, q->members * sizeof(walk));
    for (int64_t m = 0; m < q->members; m++) {
        walks[m] = (walk){
            .gap_starts = q->gap_starts + q->gap_at[m],
            .gap_ends = q->gap_ends + q->gap_at[m],
            .window_starts = q->window_starts + q->window_at[m],
            .window_ends = q->window_ends + q->window_at[m],
            .gaps = q->gap_counts[m],
            .windows = q->window_at[m + 1] - q->window_at[m],
            .open_until = NEVER,
        };
    }
    return walks;
}

/* The next window of starts first..last that does not begin after `latest`; 0 when there is none. A window that goes on
 * after `latest` comes again in the next call when `again` is set. */
static inline int next_window(walk *w, const question *q, instant latest, int again, instant *first, instant *last) {
    const int64_t tail = q->duration + q->after;
    int64_t gap = w->gap, window = w->window;
    int found = 0;
    while (gap < w->gaps && window < w->windows) {
        instant gap_first = w->gap_starts[gap] + q->before, gap_last = w->gap_ends[gap] - tail;
        instant window_first = w->window_starts[window], window_last = w->window_ends[window] - q->duration;
        instant begin = gap_first > window_first ? gap_first : window_first;
        instant end = gap_last < window_last ? gap_last : window_last;
        if (begin > latest)
            break;
        if (again && end > latest) {
            *first = begin, *last = latest, found = 2;
            break;
        }
        int gap_ends_first = gap_last < window_last;
        gap += gap_ends_first;
        window += !gap_ends_first;
        if (begin <= end) {
            *first = begin, *last = end, found = 1;
            break;
        }
    }
    w->gap = gap, w->window = window;
    return found;
}

static int64_t slots(const question *q, int overlapping) {
    const int64_t n = q->members, interval = q->interval;
    const double inverse = 1.0 / (double)interval;
    const instant origin = q->begin + (interval - q->begin % interval) % interval;
    const int64_t grid = q->end - q->duration < origin ? 0 : (q->end - q->duration - origin) / interval + 1;
    int16_t *counts = room(1, q->groups * (BLOCK + 1) * sizeof(int16_t));
    uint64_t *bits = room(2, n * BLOCK_WORDS * sizeof(uint64_t)); /* word by word, in a word member by member */
    walk *walks = walks_of(q);
    uint8_t enough[BLOCK];
    int64_t found = 0;
    instant earliest = NEVER;
    for (int64_t done = 0; done < grid; done += BLOCK) {
        const int64_t size = grid - done < BLOCK ? grid - done : BLOCK;
        const instant base = origin + done * interval, latest = base + (size - 1) * interval;
        memset(counts, 0, q->groups * (BLOCK + 1) * sizeof(int16_t));
        memset(bits, 0, n * BLOCK_WORDS * sizeof(uint64_t));
        for (int64_t m = 0; m < n; m++) {
            instant first, last;
            int more = 1;
            while (more == 1 && (more = next_window(&walks[m], q, latest, 1, &first, &last))) {
                if (last < base)
                    continue;
                /* Whole numbers below 2^32 and halves between them: the division is exact. */
                int64_t from = first <= base ? 0 : (int64_t)(((double)(first - base + interval - 1) + 0.5) * inverse);
                int64_t to = (int64_t)(((double)(last - base) + 0.5) * inverse);
                if (from > to)
                    continue;
                for (uint64_t groups = q->groups_of[m]; groups; groups &= groups - 1) {
                    int16_t *count = counts + __builtin_ctzll(groups) * (BLOCK + 1);
                    count[from]++, count[to + 1]--;
                }
                int64_t word = from >> 6;
                uint64_t head = ~0ULL << (from & 63), foot = ~0ULL >> (63 - (to & 63));
                for (; word < to >> 6; word++, head = ~0ULL)
                    bits[word * n + m] |= head;
                bits[word * n + m] |= head & foot;
            }
        }
        memset(enough, 1, size);
        for (int64_t g = 0; g < q->groups; g++) {
            int16_t *count = counts + g * (BLOCK + 1), required = (int16_t)q->required[g];
            for (int64_t i = 1; i < size; i++)
                count[i] += count[i - 1];
            for (int64_t i = 0; i < size; i++)
                enough[i] &= count[i] >= required;
        }
        for (int64_t i = 0; i < size; i++) {
            const instant start = base + i * interval;
            if (!enough[i] || start < earliest)
                continue;
            if (found == q->most)
                return found;
            const uint64_t *column = bits + (i >> 6) * n;
            uint64_t *mask = q->masks + found * q->words;
            for (int64_t word = 0; word < q->words; word++) {
                const int64_t size = n - word * 64 < 64 ? n - word * 64 : 64;
                uint64_t set = 0;
                for (int64_t k = 0; k < size; k++)
                    set |= (column[word * 64 + k] >> (i & 63) & 1) << k;
                mask[word] = set;
            }
            q->starts[found] = start;
            q->ends[found++] = start + q->duration;
            if (!overlapping)
                earliest = start + q->duration;
        }
    }
    return found;
}

/* A change: seconds since the chunk began, member, and whether it becomes free; sorted by the seconds. */
#define PLACE_BITS 20
typedef uint64_t change;

static change *sorted(change *changes, change *other, int64_t count, int64_t chunk) {
    if (count <= 48) {
        for (int64_t i = 1; i < count; i++) {
            change moved = changes[i];
            int64_t j = i;
            for (; j > 0 && changes[j - 1] > moved; j--)
                changes[j] = changes[j - 1];
            changes[j] = moved;
        }
        return changes;
    }
    for (int shift = PLACE_BITS; chunk >> (shift - PLACE_BITS); shift += 9) {
        int64_t at[512] = {0}, sum = 0;
        for (int64_t i = 0; i < count; i++)
            at[changes[i] >> shift & 511]++;
        for (int i = 0; i < 512; i++) {
            int64_t here = at[i];
            at[i] = sum, sum += here;
        }
        for (int64_t i = 0; i < count; i++)
            other[at[changes[i] >> shift & 511]++] = changes[i];
        change *swapped = changes;
        changes = other, other = swapped;
    }
    return changes;
}

static int64_t periods(const question *q) {
    const instant after_last = q->end - q->duration + 1;
    walk *walks = walks_of(q);
    uint64_t *free_now = room(1, q->words * sizeof(uint64_t));
    int64_t counts[64] = {0}, lacking = q->groups, found = 0, chunk = FIRST_CHUNK;
    int running = 0;
    memset(free_now, 0, q->words * sizeof(uint64_t));
    for (instant base = q->begin; base <= after_last; base += chunk, chunk *= 2) {
        const instant beyond = base + chunk;
        int64_t count = 0, space = 4 * q->members;
        change *changes = room(2, space * sizeof(change));
        for (int64_t m = 0; m < q->members; m++) {
            walk *w = &walks[m];
            instant first, last;
            if (w->open_until != NEVER && w->open_until < beyond) {
                changes[count++] = (uint64_t)(w->open_until - base) << PLACE_BITS | m << 1;
                w->open_until = NEVER;
            }
            while (w->open_until == NEVER && next_window(w, q, beyond - 1, 0, &first, &last)) {
                if (last < q->begin || first >= after_last)
                    continue;
                instant end = last + 1 < after_last ? last + 1 : after_last;
                changes[count++] = (uint64_t)((first > q->begin ? first : q->begin) - base) << PLACE_BITS | m << 1 | 1;
                if (end < beyond)
                    changes[count++] = (uint64_t)(end - base) << PLACE_BITS | m << 1;
                else
                    w->open_until = end;
                while (count + 3 * (q->members + 1) > space) {
                    space *= 2;
                    changes = room(2, space * sizeof(change));
                }
            }
        }
        change *in_order = sorted(changes, room(3, space * sizeof(change)), count, chunk);
        for (int64_t i = 0; i < count; i++) {
            const change this = in_order[i];
            const int64_t m = this >> 1 & ((1 << (PLACE_BITS - 1)) - 1), step = this & 1 ? 1 : -1;
            free_now[m >> 6] ^= 1ULL << (m & 63);
            for (uint64_t groups = q->groups_of[m]; groups; groups &= groups - 1) {
                const int g = __builtin_ctzll(groups);
                lacking -= step > 0 && counts[g] + 1 == q->required[g];
                lacking += step < 0 && counts[g] == q->required[g];
                counts[g] += step;
            }
            if (i + 1 < count && in_order[i + 1] >> PLACE_BITS == this >> PLACE_BITS)
                continue;
            const instant now = base + (instant)(this >> PLACE_BITS);
            if (running) {
                q->ends[found++] = now - 1 + q->duration;
                if (found == q->most)
                    return found;
            }
            running = !lacking;
            if (running) {
                q->starts[found] = now;
                memcpy(q->masks + found * q->words, free_now, q->words * sizeof(uint64_t));
            }
        }
    }
    return found;
}

static void merge_events(const question *q) {
    for (int64_t m = 0; m < q->members; m++) {
        instant *starts = q->gap_starts + q->gap_at[m], *ends = q->gap_ends + q->gap_at[m], free_from = -FAR;
        int64_t count = 0;
        for (int64_t i = q->event_at[m]; i < q->event_at[m + 1]; i++) {
            const instant start = q->event_starts[i], end = q->event_ends[i];
            if (end <= start)
                continue;
            starts[count] = free_from, ends[count] = start;
            count += start > free_from;
            free_from = end > free_from ? end : free_from;
        }
        starts[count] = free_from, ends[count] = FAR;
        q->gap_counts[m] = count + 1;
    }
}

/* How many results there are. `format` as in the enumeration above; `cold` is from the events, else from the gaps. */
int64_t answer(const question *q, int format, int cold) {
    if (cold)
        merge_events(q);
    return format == PERIODS ? periods(q) : slots(q, format == OVERLAPPING);
}
