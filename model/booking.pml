/* How links are booked, disabled and called back: Spin looks at every order in which it can happen (docs/model.md).
 *
 * Two links share BOB. Link 0 asks for BOB, and moves an event by which an earlier booking holds ANN, so it locks both;
 * link 1 asks for ANN and BOB. A meeting fills two steps of the grid: link 0 offers the starts 1 and 2, link 1 only 3,
 * which overlaps 2 and not 1. Link 0 has a callback URL, link 1 has none.
 *
 * One step here is one statement of a transaction in PostgreSQL (READ COMMITTED). What it locks is locked at once; what
 * it writes is seen by nobody before COMMIT, and so is written down there. SQLite has one writer: some of these orders.
 * Trouble (a process dies, a connection breaks, a request or its answer is lost, a lease ends under a worker) comes
 * anywhere and as often as it likes, until the world is `calm`. Assertions are named I1, I3 … as in docs/model.md.
 */
mtype = { open, completed, disabled, waiting, delivered };
#define ANN 0
#define BOB 1
#define APART(a, b) (a == 0 || b == 0 || a + 1 < b || b + 1 < a)

/* Every #ifdef is a fault planted on purpose, or takes one line of defence away: model/checks.py lists them. */
#ifdef LOCKS_UNSORTED
#define FIRST link
#define SECOND (1 - link)
#else
#define FIRST ANN
#define SECOND BOB
#endif
#ifdef STALE_LINK
#define STILL_OPEN true
#else
#define STILL_OPEN (state[link] == open)
#endif
#ifdef STALE_BUSY
#define STILL_FREE true
#else
#define STILL_FREE APART(start, start_at[1 - link])
#endif
#ifdef NO_COMPARE
#define MAY_CLOSE true
#else
#define MAY_CLOSE (state[link] == open)
#endif
#ifdef CONSTRAINT /* migrations/versions/0001, booking_overlap: left out, so that the locks have to do without it */
#define MAY_INSERT APART(start, start_at[1 - link])
#else
#define MAY_INSERT true
#endif
#ifdef NEVER_DISABLES
#define DISABLES(l) false
#else
#define DISABLES(l) state[l] == open -> link = l
#endif
#ifdef TAKES_FOR_DISABLED
#define FOUND disabled
#else
#define FOUND state[link] /* read again */
#endif
#ifdef NO_FENCE
#define MAY_SETTLE (item == waiting)
#else
#define MAY_SETTLE (item == waiting && LATEST(w))
#endif
#ifdef COUNTS_ANY
#define COUNTS true
#else
#define COUNTS answered
#endif

/* What is committed (store/tables/links.py), and whose transaction has which row locked; 0 is nothing and nobody. */
mtype state[2] = open;            /* links.state */
byte start_at[2], attempt_id[2];  /* bookings: from when BOB is booked, and by whose request */
mtype item;                       /* outbox.state of link 0's callback */
byte item_id, fence, lease_owner;
bool leased;                      /* outbox.lease_until lies ahead */
byte account[2], row[2];          /* locked rows of accounts, and of links */

byte held[2];                     /* the fence that each worker remembers of its claim */
byte completions[2], heard;       /* how often a link was completed; the id under which the receiver heard of link 0 */
bool calm;

#define OR_DIES(leave) :: atomic { !calm -> leave(); goto endless }

/* domain/link.py, TRANSITIONS: nothing leads on from completed or disabled, so what was true of them stays true. */
inline become(to) { assert(state[link] == open); state[link] = to }  /* I5 */

inline end_transaction() {        /* also what the database does when the connection is gone */
    if :: account[ANN] == me -> account[ANN] = 0 :: else fi;
    if :: account[BOB] == me -> account[BOB] = 0 :: else fi;
    if :: row[link] == me -> row[link] = 0 :: else fi
}

inline leave() {                  /* answered or dead: the visitor may come again, by the same form or another */
    end_transaction();
    if :: attempt_id[link] == me -> attempt_id[link] = 0 :: else fi;  /* nobody will ask for it any more */
    link = 0; start = 0; booked = false
}

inline refuse() { assert(!booked); leave() }  /* I5: nobody is told "not booked" who is */

inline lock(who) {                /* SELECT … FOR UPDATE waits for whoever has it */
    if
    :: atomic { account[who] == 0 || account[who] == me -> account[who] = me }
    OR_DIES(leave)
    fi
}

inline promise() { item = waiting; item_id = 1 }  /* store/outbox.add */

inline commit() {
    completions[link]++; start_at[link] = start; attempt_id[link] = me; booked = true;
    assert(completions[link] <= 1);                                 /* I1 */
    assert(!(start_at[0] == 2 && start_at[1] == 3));                /* I3: they overlap */
    become(completed);
#if !defined(PROMISED_AFTER) && !defined(PROMISED_BEFORE)
    if :: link == 0 -> promise() :: else fi;
#endif
    end_transaction()
}

#define OFFERED(l, s) state[l] == open && APART(s, start_at[1 - l]) -> link = l; start = s

/* Browsers, one after another, and the request that each makes: web/page.choose, services/booking.book_slot. Any number
 * of visits, two at a time. When a whole server dies, that is one death after another. */
active [2] proctype Visitor() {
    byte me = _pid + 1, link, start;
    bool booked;                  /* by this request; it does not know, the assertions do */

endless: do
    :: atomic { if :: OFFERED(0, 1) :: OFFERED(0, 2) :: OFFERED(1, 3) fi };  /* the page shows it, and it is chosen */
begin:
#ifndef NO_LOCKS
       if                                                           /* store/bookings.lock_for_release */
#ifdef KEEPS_LOCKS
       :: atomic { link == 0 && account[BOB] == 0 -> account[BOB] = me }
#else
       :: link == 0 && account[BOB] == 0                            /* locks BOB, finds ANN, gives BOB back */
#endif
       :: link == 1
       OR_DIES(leave)
       fi;
       lock(FIRST); lock(SECOND);                                   /* store/accounts.lock: ORDER BY sub */
#endif
       if                                                           /* domain/booking.decide_booking */
       :: STILL_OPEN && STILL_FREE                                  /* read anew, under the locks */
       :: atomic { !(STILL_OPEN && STILL_FREE) -> refuse(); goto endless }
       OR_DIES(leave)
       fi;
       if                                                           /* store/links.close: compare-and-set */
       :: atomic { row[link] == 0 && MAY_CLOSE -> row[link] = me }
       :: atomic { row[link] == 0 && !MAY_CLOSE -> refuse(); goto endless }
       OR_DIES(leave)
       fi;
#ifdef PROMISED_BEFORE
       if :: atomic { link == 0 -> promise() } :: link == 1 OR_DIES(leave) fi;
#endif
#ifdef THANKED_BEFORE
       if :: assert(booked) OR_DIES(leave) fi;                      /* I5 */
#endif
       if                                                           /* COMMIT: all of it or nothing */
       :: atomic { MAY_INSERT -> commit() }
#ifdef CONSTRAINT
       :: atomic { !MAY_INSERT -> refuse(); goto endless }          /* SlotTaken */
#endif
       :: atomic { !calm ->                                         /* OutcomeUnknown: kept or not, who can tell? */
            if :: MAY_INSERT -> commit() :: end_transaction() fi;
            if                                                      /* booking._was_kept waits for a commit under way */
#ifndef GUESSES
            :: attempt_id[link] == me -> goto thank
            :: attempt_id[link] != me -> goto begin
#else
            :: goto begin
#endif
            fi }
       OR_DIES(leave)
       fi;
#ifdef PROMISED_AFTER
       if :: atomic { link == 0 -> promise() } :: link == 1 OR_DIES(leave) fi;
#endif
thank: if                                                           /* 303 */
       :: atomic { true -> assert(booked && state[link] == completed); leave(); goto endless }  /* I5 */
       OR_DIES(leave)
       fi
    od
}

inline hang_up() { end_transaction(); link = 0; seen = 0 }

/* services/links.disable_link, for either link. Calls that find the link closed change nothing, and are left out. */
active proctype Application() {
    byte me = _pid + 1, link;
    mtype seen;

endless: do
    :: atomic { if :: DISABLES(0) :: DISABLES(1) fi };              /* store/links.get */
       if                                                           /* store/links.close: compare-and-set */
#ifdef DISABLES_ALWAYS
       :: atomic { row[link] == 0 -> row[link] = me; seen = open }
#else
       :: atomic { row[link] == 0 && state[link] == open -> row[link] = me; seen = open }
       :: atomic { row[link] == 0 && state[link] != open -> seen = FOUND }  /* LinkNotOpen */
#endif
       OR_DIES(hang_up)
       fi;
       if                                                           /* COMMIT */
       :: atomic { seen == open -> become(disabled); seen = disabled; end_transaction() }
       :: seen != open
       OR_DIES(hang_up)
       fi;
       if                                                           /* 200, or 422 */
       :: atomic { true -> assert(state[link] == seen); hang_up(); goto endless }  /* I7: what is said is so */
       OR_DIES(hang_up)
       fi
    od
}

#define LATEST(worker) (held[worker] == fence)

/* fence + 1. Fences are compared for equality only, so it is enough to take one that the other worker does not hold;
 * the least of them keeps the states few. */
inline raise_fence() { fence = 1; if :: held[1 - w] == 1 -> fence = 2 :: else fi }

inline forget() { held[w] = 0; answered = false }

inline receive() {
    assert(state[0] == completed);                                  /* I4: no callback without a completion */
    assert(heard == 0 || heard == item_id);                         /* I4: one id, however often it comes */
    heard = item_id
}

/* Tasks of two workers, one each: worker/loop.py, worker/deliver_callback.py. */
active [2] proctype Worker() {
    byte w = _pid - 3;
    bool answered;

endless: do
    :: atomic {                                                     /* store/outbox.claim */
            item == waiting && !leased -> raise_fence(); held[w] = fence; leased = true; lease_owner = w + 1;
#ifdef NEW_ID
            item_id = 3 - item_id
#endif
       };
       if                                                           /* CallbackClient.deliver */
       :: atomic { true -> receive(); answered = true }             /* 2xx */
       :: atomic { !calm -> receive() }                             /* it came, and the answer was lost, or was a 500 */
       :: !calm                                                     /* it never came */
       OR_DIES(forget)
       fi;
       if                                                           /* store/outbox.settle */
       :: atomic { MAY_SETTLE ->
            assert(lease_owner == w + 1);                           /* fence: nobody has claimed it since */
            if
            :: COUNTS -> assert(heard != 0); item = delivered       /* I4: what counts as delivered was heard */
            :: else                                                 /* it waits, until due_at */
            fi;
            leased = false; lease_owner = 0; forget(); goto endless }
       :: atomic { !MAY_SETTLE -> forget(); goto endless }          /* "lease lost" */
       :: atomic { !calm && lease_owner == w + 1 && item == waiting ->  /* told to stop: store/outbox.release */
            raise_fence(); leased = false; lease_owner = 0; forget(); goto endless }
       OR_DIES(forget)                                              /* killed: the lease stays */
       fi
    od
}

/* lease_until passes. In calm not under a worker: the lease is longer than an attempt can take (LEASE_MARGIN_S). */
active proctype Clock() {
endless: do
#ifdef LEASE_FOREVER
    :: false
#else
    :: atomic { leased && (!calm || !(LATEST(0) || LATEST(1))) -> leased = false }
#endif
    od
}

active proctype World() { calm = true }

/* I4: a completion is called back, however late, and the promise ends as kept. */
ltl called_back { [] (state[0] == completed -> <> (item == delivered)) }
