/*
 * When a client may still believe that it holds a lock on a store that can end its session at any moment.
 *
 * Client A holds and client B waits. Time passes in steps. The store may end A's session for any reason: nobody renewed it,
 * its server died, a check failed, an operator destroyed it. From then on it keeps the lock from everyone for DELAY steps.
 * A counts, on a clock of its own that may be slow, the steps since it sent the last question that the store has answered
 * with "your session is there". It believes for LIFE of them. The property: never do A and B believe at once.
 *
 * A client that is stopped is one that hears an answer late: whether it believes is computed from its clock when it asks.
 *
 * These switches put mistakes back. Each makes spin print the steps to two who believe:
 *   COUNT_THE_TTL   A believes for its time to live less the margin, and not for what the lock-delay covers
 *   NO_READ         a renewal counts by itself: a leader that is none any more renews a session that is gone
 *   TAKE_OFF        a semaphore: B takes a dead holder off the list at once, so that no lock-delay counts
 *   FROM_THE_ANSWER A counts from the moment at which it hears the answer
 *   NO_MARGIN       A believes for the whole lock-delay, with a clock that is slow
 *
 * In the code: LIFE is in src/core/lifetime.ts, the question in src/backends/consul/permit-sessions.ts, and the list of a
 * semaphore in src/backends/consul/holders.ts. `spin -run lock-delay.pml` checks it; add -DCOUNT_THE_TTL for a mistake,
 * and then `spin -DCOUNT_THE_TTL -t lock-delay.pml` prints its steps.
 */

#ifndef TTL
#define TTL 12
#endif
#ifndef DELAY
#define DELAY 6
#endif

/* A's clock may miss one step in SLOW. */
#define SLOW 4

#if defined(COUNT_THE_TTL)
#define LIFE (TTL - TTL / SLOW - 1)
#elif defined(NO_MARGIN)
#define LIFE DELAY
#else
#define LIFE (DELAY - DELAY / SLOW - 1)
#endif

mtype = { none, under_way, says_there, says_gone }

/* The store. */
bool alive = true;      /* A's session */
byte unrenewed = 0;     /* steps since it was renewed */
byte ended = 0;         /* steps since it ended */
bool b_holds = false;

/* Client A, on its own clock. */
byte since = 0;         /* steps since it sent what was confirmed last */
byte asked = 0;         /* steps since it sent what is under way */
byte evenly = 0;        /* steps since its clock missed one */
mtype question = none;
bool lost = false;      /* it was told so: it never believes again */

#define a_believes (!lost && since < LIFE)

inline end_session(why) {
  alive = false;
  ended = 0;
  printf("the store ends the session of A: %e\n", why)
}

mtype = { not_renewed, for_another_reason }

/* One step of time, for all. What counts longer than matters is not counted on. */
inline tick() {
  if
  :: evenly = (evenly < SLOW -> evenly + 1 : SLOW);
     since = (since < LIFE -> since + 1 : LIFE);
     asked = (asked < LIFE -> asked + 1 : LIFE);
     printf("a step\n")
  :: evenly == SLOW ->
     evenly = 0;
     printf("a step, which the clock of A misses\n")
  fi;
  if
  :: alive -> unrenewed = (unrenewed < 2 * TTL -> unrenewed + 1 : 2 * TTL)
  :: else -> ended = (ended < DELAY -> ended + 1 : DELAY)
  fi
}

active proctype world() {
  do
  :: d_step { assert(!(a_believes && b_holds)) };
     if
     /* Time. The store ends what nobody renewed after its time to live, and at the latest after twice that. */
     :: !(alive && unrenewed == 2 * TTL) -> atomic { tick() }
     :: atomic { alive && unrenewed >= TTL -> end_session(not_renewed) }
     :: atomic { alive -> end_session(for_another_reason) }

     /* A asks. A question that is not answered is given up, and another one sent. */
     :: atomic { !lost -> question = under_way; asked = 0; printf("A asks\n") }
     /* The question arrives. All that is lost on its way, or late, simply happens later or never. */
     :: atomic { question == under_way && alive ->
          unrenewed = 0; question = says_there; printf("the store: it is there\n") }
     :: atomic { question == under_way && !alive -> question = says_gone; printf("the store: it is gone\n") }
#ifdef NO_READ
     :: atomic { question == under_way && !alive -> question = says_there; printf("an old leader: renewed\n") }
#endif
     /* A hears the answer. */
     :: atomic { question == says_there ->
#ifdef FROM_THE_ANSWER
          since = 0;
#else
          since = asked;
#endif
          question = none; printf("A hears that it is there\n") }
     :: atomic { question == says_gone -> lost = true; question = none; printf("A hears that it is lost\n") }

     /* B takes the lock, as soon as the store lets it. */
#ifdef TAKE_OFF
     :: atomic { !alive && !b_holds -> b_holds = true; printf("B holds\n") }
#else
     :: atomic { !alive && ended == DELAY && !b_holds -> b_holds = true; printf("B holds\n") }
#endif
     fi
  od
}
