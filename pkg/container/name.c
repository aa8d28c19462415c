/* SPDX-License-Identifier: MIT */
/* Names for containers that were given none: a quality and a thing found on boats. */
#include <string.h>

#include "pkg/base/alloc.h"
#include "pkg/base/auto.h"
#include "pkg/base/err.h"
#include "pkg/container/container.h"
#include "pkg/sys/random.h"

static const char *const qualities[] = {
	"able",    "amber",  "bold",    "brave",  "breezy", "bright",  "brisk",  "calm",   "candid",
	"cheery",  "clear",  "clever",  "cosy",   "crisp",  "curious", "daring", "dapper", "deft",
	"eager",   "early",  "earnest", "fair",   "fond",   "frank",   "fresh",  "gentle", "glad",
	"golden",  "grand",  "hale",    "handy",  "happy",  "hardy",   "honest", "jolly",  "keen",
	"kind",    "lively", "lucky",   "mellow", "merry",  "mild",    "neat",   "nimble", "noble",
	"patient", "placid", "plucky",  "polite", "proud",  "quick",   "quiet",  "ready",  "salty",
	"silver",  "snug",   "sound",   "spry",   "steady", "sturdy",  "sunny",  "swift",  "tidy",
	"trim",    "trusty", "warm",    "wise",   "witty",  "young",   "zesty",
};

static const char *const things[] = {
	"anchor",     "ballast",  "barge",    "beacon",  "bilge",      "binnacle", "block",
	"bollard",    "boom",     "bowsprit", "brig",    "buoy",       "cabin",    "canvas",
	"capstan",    "clipper",  "compass",  "coracle", "cutter",     "davit",    "deck",
	"dinghy",     "dory",     "ferry",    "fender",  "figurehead", "flotsam",  "forestay",
	"galley",     "gaff",     "gangway",  "halyard", "harbour",    "hatch",    "hawser",
	"helm",       "hull",     "jib",      "keel",    "ketch",      "lantern",  "lateen",
	"lighthouse", "lugger",   "mainsail", "mast",    "mizzen",     "mooring",  "oar",
	"oarlock",    "pennant",  "pilot",    "pinnace", "porthole",   "prow",     "punt",
	"quay",       "ratline",  "rigging",  "rudder",  "sampan",     "schooner", "scow",
	"sextant",    "skiff",    "sloop",    "spar",    "spinnaker",  "sprit",    "stern",
	"tender",     "thwart",   "tiller",   "topsail", "trawler",    "tug",      "wharf",
	"wherry",     "windlass", "yawl",
};

static unsigned pick(unsigned n)
{
	unsigned v;

	random_bytes(&v, sizeof(v));
	return v % n;
}

char *container_name_new(struct store *st)
{
	for (unsigned tries = 0;; tries++) {
		AUTO_FREE char *name = xasprintf("%s_%s", qualities[pick(ARRAY_LEN(qualities))],
						 things[pick(ARRAY_LEN(things))]);
		char id[65];

		if (tries > 8) { /* a crowded house: a number makes it free */
			char *with_number = xasprintf("%s%u", name, pick(100000));

			free(name);
			name = with_number;
		}
		if (container_store_resolve(st, name, id) == -CE_NO_CONTAINER) {
			err_drop();
			return TAKE_PTR(name);
		}
	}
}
