#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/access/matrix.h"

void cell(struct matrix *m, size_t identity, const char *what, const struct row *allowed,
	const struct attempt *got, const struct attempt *roots)
{
	static const char *const words[] = {"refused", "allowed", "let through (stopped by the schema)", "unclear"};
	const struct identity *who = &m->table.identities[identity];
	enum outcome want = allowed ? roots->outcome : REFUSED;
	size_t pair = m->target * m->table.nidentities + identity;

	m->cells++;
	m->allowed += got->outcome == GRANTED || got->outcome == STOPPED;
	/* What the administrator can't try either says nothing of anybody. */
	if (got->outcome == want && want != UNCLEAR)
		return;
	m->wrong[pair]++;
	if (++m->failed > m->shown)
		return;
	printf("WRONG %-18s %-20s %-34s %s, wanted: %s", m->table.targets[m->target].name, who->name, what,
		words[got->outcome], words[want]);
	if (allowed)
		printf(", line %d", allowed->line);
	if (got->outcome != REFUSED)
		printf(" (%d %s)", got->code, got->text);
	printf("\n");
}

/* -- attributes -------------------------------------------------------------------------------------- */

/* An attribute, or a variant of one (attribute.NAME) with a value of its own, at a target. */
struct probe {
	const char *name, *described; /* as the table has it; as the entry does (;binary) */
	const struct attribute *attribute;
	struct berval values[VALUES];
	int is_variant, is_own_dn, is_relaxed, is_foreign, is_impossible, kept, must;
	struct berval **there; /* in the prepared entry; NULL: none */
};

struct work {
	struct matrix *m;
	const struct target *on;
	struct entry original, prepared;
	struct entry *seen; /* of each identity */
	struct probe probes[2 * NAMES];
	size_t count;
};

static const struct value *find_value(const struct value *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].attribute, name) == 0)
			return &list[i];
	return NULL;
}

static void fill_values(struct probe *p, const struct value *own)
{
	for (unsigned i = 0; i < VALUES; i++) {
		if (!own)
			p->values[i] = schema_sample(p->attribute, i);
		else
			ber_str2bv(own->values[i < own->count ? i : own->count - 1], 0, 0, &p->values[i]);
	}
	p->is_own_dn = own && strcmp(own->values[0], "@self") == 0;
	p->is_relaxed = own && own->count > 1 && strcmp(own->values[1], "@relax") == 0;
}

static struct probe *add_probe(struct work *w, const char *name, const struct attribute *a, const struct value *own)
{
	struct probe *p = &w->probes[w->count];

	for (size_t i = 0; i < w->count; i++)
		if (strcasecmp(w->probes[i].name, name) == 0)
			return NULL;
	if (w->count == sizeof(w->probes) / sizeof(w->probes[0]))
		give_up("more attributes than there is room for");
	w->count++;
	memset(p, 0, sizeof(*p));
	p->name = name;
	p->attribute = a;
	fill_values(p, own);
	p->kept = list_has(w->on->keep, a->name);
	return p;
}

/* The attributes of the words of a list (which stays in use). */
static void add_listed(struct work *w, const char *list, int foreign)
{
	char *words = strdup(list ? list : ""), *rest = NULL;

	for (char *word = strtok_r(words, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		const struct attribute *a = schema_attribute(word);
		struct probe *p = a ? add_probe(w, a->name, a,
					      find_value(w->m->table.values, w->m->table.nvalues, a->name))
				    : NULL;

		if (!a)
			give_up("the schema has no %s", word);
		if (p)
			p->is_foreign = foreign;
	}
	free(words);
}

static char **classes_of(const struct entry *e)
{
	struct berval **values = entry_values(e, "objectClass");
	char **names = calloc((size_t)ldap_count_values_len(values) + 1, sizeof(*names));

	for (size_t i = 0; names && values[i]; i++)
		names[i] = values[i]->bv_val;
	return names;
}

/* Where the attribute itself is. */
static void add_variant(struct work *w, const struct value *v)
{
	char name[128];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(v->attribute, "."), v->attribute);
	for (size_t i = 0; i < w->count; i++) {
		const struct probe *of = &w->probes[i];
		struct probe *p;

		if (strcasecmp(of->name, name) != 0 || list_has(w->on->skip, v->attribute))
			continue;
		p = add_probe(w, v->attribute, of->attribute, v);
		p->is_variant = 1;
		p->must = of->must;
		return;
	}
}

static void find_probes(struct work *w)
{
	const struct attribute *list[2 * NAMES];
	struct table *t = &w->m->table;
	char **classes = classes_of(&w->prepared);

	for (int must = 1; must >= 0; must--) {
		size_t n = schema_attributes_of(classes, must, list, 2 * NAMES);

		for (size_t i = 0; i < n; i++) {
			struct probe *p = add_probe(w, list[i]->name, list[i],
				find_value(t->values, t->nvalues, list[i]->name));

			if (p)
				p->must = must;
		}
	}
	add_listed(w, t->operational, 0);
	for (size_t i = 0; i < t->nvariants; i++)
		add_variant(w, &t->variants[i]);
	add_listed(w, t->foreign, 1);
	free(classes);
}

/* What is there now. Of a binary syntax it is all that there is to try with. */
static void take_over(struct work *w, struct probe *p)
{
	p->there = entry_values(&w->prepared, p->attribute->name);
	p->described = entry_description(&w->prepared, p->attribute->name);
	for (size_t i = 0; p->described != p->attribute->name && i < VALUES; i++)
		p->values[i] = *p->there[0];
	p->is_impossible &= p->there == NULL;
}

/* Every attribute that may be there is there, so that taking it away means something. */
static void populate(struct work *w)
{
	for (size_t i = 0; i < w->count; i++) {
		struct probe *p = &w->probes[i];
		struct berval *values[] = {&p->values[0], &p->values[1], NULL};
		struct berval **old = entry_values(&w->prepared, p->attribute->name);

		if (p->is_variant || p->is_foreign || p->attribute->no_user_mod || list_has(w->on->without, p->name))
			continue;
		if (p->attribute->single)
			values[1] = NULL;
		if (old && (p->attribute->single || p->kept || ldap_count_values_len(old) > 1))
			continue;
		if (old)
			values[0] = old[0];
		p->is_impossible = !root_could_set(w->m->root, w->on->dn, p->name, values);
	}
	entry_done(&w->prepared);
	entry_read(w->m->root, w->on->dn, &w->prepared);
	for (size_t i = 0; i < w->count; i++)
		take_over(w, &w->probes[i]);
}

static int is_somebody(const struct table *t, const char *dn)
{
	for (size_t i = 0; i < t->nidentities; i++)
		if (strcmp(t->identities[i].how, "password") == 0 && strcasecmp(t->identities[i].argument, dn) == 0)
			return 1;
	return 0;
}

void bind_again(struct matrix *m, const struct target *on, const struct entry *first, const struct entry *now)
{
	static const char *const marks[] = {"pwdReset", "pwdAccountLockedTime", "pwdStartTime", "pwdEndTime"};

	/* Of an initial password slapd keeps the history, which nobody can clear, and which
	 * doesn't take the same twice in a second. */
	if (entry_values(first, "pwdPolicySubentry")) {
		root_delete(m->root, on->dn);
		root_add(m->root, on->dn, now);
	}
	if (!is_somebody(&m->table, on->dn))
		return;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		root_set(m->root, on->dn, marks[i], entry_values(first, marks[i]));
	if (!entry_values(first, "pwdPolicySubentry"))
		root_set(m->root, on->dn, "userPassword", entry_values(first, "userPassword"));
	directory_reconnect(&m->table, on->dn, m->uri);
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		root_set(m->root, on->dn, marks[i], entry_values(now, marks[i]));
}

static void restore(struct work *w, const struct probe *p)
{
	root_set(w->m->root, w->on->dn, p->described, p->there);
	if (strcmp(p->attribute->name, "userPassword") == 0)
		bind_again(w->m, w->on, &w->original, &w->prepared);
}

/* One value at a time, or none that can be named. */
static int is_single(const struct probe *p)
{
	return p->attribute->single || !p->attribute->comparable || strchr(p->described, ';');
}

/* -- rights ----------------------------------------------------------------------------------------------- */

static struct berval value_for(const struct probe *p, const struct identity *who, unsigned n)
{
	struct berval v = p->values[n];

	if (p->is_own_dn)
		ber_str2bv(*who->dn ? who->dn : "cn=nobody", 0, 0, &v);
	return v;
}

static struct attempt read_it(struct work *w, size_t i, const struct probe *p)
{
	struct attempt a = {.outcome = entry_values(&w->seen[i], p->attribute->name) ? GRANTED : REFUSED};

	return a;
}

static struct attempt search_it(struct work *w, size_t i, const struct probe *p)
{
	return attempt_search(w->m->table.identities[i].ld, w->on->dn, p->described);
}

static struct attempt compare_it(struct work *w, size_t i, const struct probe *p)
{
	return attempt_compare(w->m->table.identities[i].ld, w->on->dn, p->described, p->there[0]);
}

static struct attempt add_it(struct work *w, size_t i, const struct probe *p)
{
	struct berval v = value_for(p, &w->m->table.identities[i], p->is_variant ? 0 : 2);
	struct berval *values[] = {&v, NULL};

	return attempt_modify(w->m->table.identities[i].ld, w->on->dn, LDAP_MOD_ADD, p->described, values,
		p->is_relaxed);
}

static struct attempt delete_it(struct work *w, size_t i, const struct probe *p)
{
	struct berval *values[] = {p->there ? p->there[ldap_count_values_len(p->there) - 1] : NULL, NULL};
	struct berval own = p->values[0];

	if (p->is_variant)
		values[0] = &own;
	return attempt_modify(w->m->table.identities[i].ld, w->on->dn, LDAP_MOD_DELETE, p->described, values,
		0);
}

static struct attempt drop_it(struct work *w, size_t i, const struct probe *p)
{
	return attempt_modify(w->m->table.identities[i].ld, w->on->dn, LDAP_MOD_DELETE, p->described, NULL,
		0);
}

/* By what is there and one more, so that a name that the entry is called by stays. */
static struct attempt replace_it(struct work *w, size_t i, const struct probe *p)
{
	struct berval v = value_for(p, &w->m->table.identities[i], 3);
	struct berval *values[NAMES] = {&v, NULL};

	for (size_t k = 0; !is_single(p) && p->there && p->there[k] && k < NAMES - 2; k++)
		values[k + 1] = p->there[k];
	return attempt_modify(w->m->table.identities[i].ld, w->on->dn, LDAP_MOD_REPLACE, p->described, values,
		0);
}

static struct attempt increment_it(struct work *w, size_t i, const struct probe *p)
{
	struct berval two = {.bv_len = 2, .bv_val = (char *)"10"};
	struct berval *values[] = {&two, NULL};

	return attempt_modify(w->m->table.identities[i].ld, w->on->dn, LDAP_MOD_INCREMENT, p->described, values,
		0);
}

enum needs { NOTHING = 0, A_VALUE = 1, EQUALITY = 2, AN_INTEGER = 4, NO_VARIANT = 8 };

static const struct right {
	char letter;
	int needs;
	int changes;
	struct attempt (*attempt)(struct work *w, size_t i, const struct probe *p);
} rights[] = {
	{'r', A_VALUE | NO_VARIANT, 0, read_it},
	{'s', A_VALUE | NO_VARIANT, 0, search_it},
	{'c', A_VALUE | EQUALITY | NO_VARIANT, 0, compare_it},
	{'+', NOTHING, 1, add_it},
	{'-', A_VALUE | EQUALITY, 1, delete_it},
	{'x', A_VALUE | NO_VARIANT, 1, drop_it},
	{'=', NO_VARIANT, 1, replace_it},
	{'i', A_VALUE | AN_INTEGER | NO_VARIANT, 1, increment_it},
};

static int applies(const struct right *r, const struct probe *p)
{
	if (((r->needs & NO_VARIANT) && p->is_variant) || p->is_impossible)
		return 0;
	if ((p->is_own_dn || p->is_relaxed) && r->letter == '-')
		return 0;
	/* Of foreign ones there is only this to try; a variant's value is put there for its deletion. */
	if (p->is_foreign)
		return r->letter == '+';
	if ((r->needs & A_VALUE) && !p->there && !(p->is_variant && r->letter == '-'))
		return 0;
	if ((r->needs & EQUALITY) && !p->attribute->comparable)
		return 0;
	if ((r->needs & AN_INTEGER) && !p->attribute->integer)
		return 0;
	/* The server's own. */
	return !p->attribute->no_user_mod || strchr("rsc+=", r->letter) != NULL;
}

/* The state that the right is tried in, where it isn't the prepared one. 1: it was changed. */
static int set_stage(struct work *w, const struct right *r, const struct probe *p)
{
	struct berval first = p->values[0], *values[NAMES] = {&first, NULL};

	if (p->is_relaxed)
		return 0;
	if (p->is_variant && r->letter == '-') {
		for (size_t k = 0; !is_single(p) && p->there && p->there[k] && k < NAMES - 2; k++)
			values[k + 1] = p->there[k];
		root_set(w->m->root, w->on->dn, p->described, values);
		return 1;
	}
	/* A single value can be added where there is none. */
	if (r->letter == '+' && p->there && is_single(p) && !p->kept && !p->must && !p->attribute->no_user_mod) {
		root_set(w->m->root, w->on->dn, p->described, NULL);
		return 1;
	}
	return 0;
}

/* Puts the stage back as it was before an attempt that changed it. */
static void reset_stage(struct work *w, const struct right *r, const struct probe *p)
{
	restore(w, p);
	set_stage(w, r, p);
}

static void try_right(struct work *w, const struct right *r, const struct probe *p)
{
	struct table *t = &w->m->table;
	struct attempt roots = {.outcome = GRANTED};
	/* What can't be put back isn't taken away by who may. */
	const size_t first = w->on->is_lasting && p->kept && strchr("-x=", r->letter);
	char what[160];
	int changed = set_stage(w, r, p);

	snprintf(what, sizeof(what), "%s %c", p->name, r->letter);
	for (size_t i = first; i < t->nidentities; i++) {
		struct attempt a = r->attempt(w, i, p);

		/* The administrator is the first of the table. */
		if (i == 0)
			roots = a;
		/* Some attributes have values that no comparison finds (ppolicy makes them up). */
		if (r->letter == 'c' && roots.outcome != GRANTED)
			return;
		cell(w->m, i, what, table_attribute(t, w->on, &t->identities[i], p->name, r->letter), &a, &roots);
		if (r->changes && a.outcome == GRANTED)
			reset_stage(w, r, p);
	}
	if (changed)
		restore(w, p);
}

/* As it was before: others may depend on it. */
static void depopulate(struct work *w)
{
	for (size_t i = 0; i < w->count; i++) {
		const struct probe *p = &w->probes[i];
		struct berval **before = entry_values(&w->original, p->attribute->name);

		if (!p->is_variant && !p->is_foreign && !p->attribute->no_user_mod && p->there &&
			ldap_count_values_len(before) != ldap_count_values_len(p->there))
			root_set(w->m->root, w->on->dn, p->described, before);
	}
}

void cells_attributes(struct matrix *m, const struct target *on)
{
	struct work *w = calloc(1, sizeof(*w));
	struct table *t = &m->table;
	struct entry after;
	const char *differs = NULL;

	if (!w || !(w->seen = calloc(t->nidentities, sizeof(*w->seen))))
		give_up("no memory");
	w->m = m;
	w->on = on;
	entry_read(m->root, on->dn, &w->original);
	entry_read(m->root, on->dn, &w->prepared);
	find_probes(w);
	populate(w);
	for (size_t i = 0; i < t->nidentities; i++)
		attempt_read(t->identities[i].ld, on->dn, &w->seen[i]);
	for (size_t k = 0; k < w->count; k++)
		for (size_t n = 0; n < sizeof(rights) / sizeof(rights[0]); n++)
			if (applies(&rights[n], &w->probes[k]))
				try_right(w, &rights[n], &w->probes[k]);
	entry_read(m->root, on->dn, &after);
	if (!entry_equal(&w->prepared, &after, &differs) || !entry_equal(&after, &w->prepared, &differs))
		give_up("%s: %s isn't as it was", on->name, differs);
	depopulate(w);
	for (size_t i = 0; i < t->nidentities; i++)
		entry_done(&w->seen[i]);
	entry_done(&after);
	entry_done(&w->original);
	entry_done(&w->prepared);
	free(w->seen);
	free(w);
}

/* -- the entry ------------------------------------------------------------------------------------------------ */

static void other_rdn(char rdn[128], const char *dn)
{
	size_t len = strcspn(dn, ",");

	snprintf(rdn, 128, "%.*sx", (int)len, dn);
}

static void same_rdn(char rdn[128], const char *dn)
{
	snprintf(rdn, 128, "%.*s", (int)strcspn(dn, ","), dn);
}

static const char *parent_of(const char *dn)
{
	const char *comma = strchr(dn, ',');

	return comma ? comma + 1 : "";
}

static void cell_of(struct matrix *m, const struct target *on, size_t i, char right, const struct attempt *a,
	const struct attempt *roots)
{
	char what[8];

	snprintf(what, sizeof(what), "entry %c", right);
	cell(m, i, what, table_attribute(&m->table, on, &m->table.identities[i], "entry", right), a, roots);
}

static void try_see(struct matrix *m, const struct target *on)
{
	struct attempt roots = {0};

	for (size_t i = 0; i < m->table.nidentities; i++) {
		struct attempt a = attempt_see(m->table.identities[i].ld, on->dn);

		if (i == 0)
			roots = a;
		cell_of(m, on, i, 'r', &a, &roots);
	}
}

static void try_delete(struct matrix *m, const struct target *on, const struct entry *before)
{
	struct attempt roots = {.outcome = GRANTED};

	/* What can't be made again isn't deleted by who may. */
	for (size_t i = on->is_lasting; i < m->table.nidentities; i++) {
		struct attempt a = attempt_delete(m->table.identities[i].ld, on->dn);

		if (i == 0)
			roots = a;
		cell_of(m, on, i, '-', &a, &roots);
		if (a.outcome == GRANTED)
			root_add(m->root, on->dn, before);
	}
}

static void rename_back(struct matrix *m, const char *dn, const char *renamed, const struct entry *before)
{
	char rdn[128], attribute[64];

	same_rdn(rdn, dn);
	root_rename(m->root, renamed, rdn, parent_of(dn));
	snprintf(attribute, sizeof(attribute), "%.*s", (int)strcspn(dn, "="), dn);
	root_set(m->root, dn, attribute, entry_values(before, attribute));
}

static void try_rename(struct matrix *m, const struct target *on, const struct entry *before)
{
	struct attempt roots = {0};
	char rdn[128], renamed[512];

	other_rdn(rdn, on->dn);
	snprintf(renamed, sizeof(renamed), "%s,%s", rdn, parent_of(on->dn));
	for (size_t i = 0; i < m->table.nidentities; i++) {
		struct attempt a = attempt_rename(m->table.identities[i].ld, on->dn, rdn, NULL);

		if (i == 0)
			roots = a;
		cell_of(m, on, i, 'm', &a, &roots);
		if (a.outcome == GRANTED)
			rename_back(m, on->dn, renamed, before);
	}
}

/* The password operation (RFC 3062). */
static void try_password(struct matrix *m, const struct target *on, const struct entry *before)
{
	struct berval **passwords = entry_values(before, "userPassword");
	struct attempt roots = {0};

	if (!passwords && !list_has(on->without, "userPassword"))
		return;
	for (size_t i = 0; i < m->table.nidentities; i++) {
		struct attempt a = attempt_password(m->table.identities[i].ld, on->dn, NULL, "another-Password2");

		if (i == 0)
			roots = a;
		cell_of(m, on, i, 'p', &a, &roots);
		if (a.outcome == GRANTED) {
			root_set(m->root, on->dn, "userPassword", passwords);
			bind_again(m, on, before, before);
		}
	}
}

static size_t identity_called(const struct table *t, const char *name)
{
	for (size_t i = 0; i < t->nidentities; i++)
		if (strcmp(t->identities[i].name, name) == 0)
			return i;
	give_up("the table has no identity %s", name);
}

/* Whoever binds is nobody yet. */
static void try_bind(struct matrix *m, const struct target *on, const struct entry *before)
{
	const struct attempt able = {.outcome = GRANTED};
	struct attempt a;

	if (!entry_values(before, "userPassword"))
		return;
	a = attempt_bind(m->uri, on->dn, m->password);
	cell_of(m, on, identity_called(&m->table, "anonymous"), 'b', &a, &able);
}

/* A decision, whole, as the directory wants one. */
static void try_decision(struct matrix *m, const struct target *on, const struct entry *before)
{
	const struct attempt able = {.outcome = GRANTED};

	if (!entry_values(before, "denshiDigest"))
		return;
	/* The administrator is no approver. */
	for (size_t i = 1; i < m->table.nidentities; i++) {
		const struct identity *who = &m->table.identities[i];
		struct attempt a = attempt_decision(who->ld, on->dn, who->dn, entry_values(before, "denshiDigest")[0]);

		cell_of(m, on, i, 'd', &a, &able);
		if (a.outcome == GRANTED) {
			root_delete(m->root, on->dn);
			root_add(m->root, on->dn, before);
		}
	}
}

void cells_entry(struct matrix *m, const struct target *on)
{
	struct entry before;

	entry_read(m->root, on->dn, &before);
	try_see(m, on);
	try_bind(m, on, &before);
	if (!on->is_fixed) {
		try_password(m, on, &before);
		try_decision(m, on, &before);
		try_delete(m, on, &before);
		try_rename(m, on, &before);
	}
	entry_done(&before);
}

/* -- new entries ---------------------------------------------------------------------------------------------------- */

struct draft {
	LDAPMod mods[NAMES], *list[NAMES + 1];
	struct berval values[NAMES], *value_lists[NAMES][2];
	struct berval *classes[8], class_values[8];
	char words[256], *names[8];
	size_t count;
};

static void draft_put(struct draft *d, const char *name, struct berval value)
{
	LDAPMod *mod = &d->mods[d->count];

	d->values[d->count] = value;
	d->value_lists[d->count][0] = &d->values[d->count];
	d->value_lists[d->count][1] = NULL;
	mod->mod_op = LDAP_MOD_ADD | LDAP_MOD_BVALUES;
	mod->mod_type = (char *)name;
	mod->mod_bvalues = d->value_lists[d->count];
	d->list[d->count++] = mod;
	d->list[d->count] = NULL;
}

/* What the table says that an entry of the kind has; NULL: nothing. */
static const char *fixed_of(const struct kind *kind, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < 4 && kind->fixed[i]; i++)
		if (strncmp(kind->fixed[i], name, len) == 0 && kind->fixed[i][len] == '=')
			return kind->fixed[i] + len + 1;
	return NULL;
}

static struct berval value_of(const struct table *t, const struct kind *kind, const struct attribute *a,
	const struct identity *who)
{
	struct probe p = {.attribute = a};
	const char *text = fixed_of(kind, a->name);
	struct berval fixed;

	if (text) {
		ber_str2bv(text, 0, 0, &fixed);
		return fixed;
	}
	fill_values(&p, find_value(t->values, t->nvalues, a->name));
	return value_for(&p, who, 0);
}

static void draft_make(struct draft *d, const struct table *t, const struct kind *kind,
	const struct identity *who)
{
	const struct attribute *list[NAMES];
	const char *equals = strchr(kind->rdn, '=');
	char *rest = NULL, *naming = strndup(kind->rdn, (size_t)(equals - kind->rdn));
	struct berval value;
	size_t n = 0;

	memset(d, 0, sizeof(*d));
	snprintf(d->words, sizeof(d->words), "%s", kind->classes);
	for (char *word = strtok_r(d->words, ",", &rest); word && n < 7; word = strtok_r(NULL, ",", &rest)) {
		d->names[n] = word;
		ber_str2bv(word, 0, 0, &d->class_values[n]);
		d->classes[n] = &d->class_values[n];
		n++;
	}
	draft_put(d, "objectClass", d->class_values[0]);
	d->mods[0].mod_bvalues = d->classes;
	ber_str2bv(equals + 1, 0, 0, &value);
	draft_put(d, schema_attribute(naming)->name, value);
	/* What the kind must have by its classes, and what it has by the table. */
	for (int must = 1; must >= 0; must--) {
		n = schema_attributes_of(d->names, must, list, NAMES);
		for (size_t i = 0; i < n; i++)
			if (strcasecmp(list[i]->name, naming) != 0 && strcasecmp(list[i]->name, "objectClass") != 0 &&
				(must || fixed_of(kind, list[i]->name)))
				draft_put(d, list[i]->name, value_of(t, kind, list[i], who));
	}
	free(naming);
}

/* With one more attribute, where extra isn't NULL. */
static struct attempt try_new(struct matrix *m, size_t i, const struct kind *kind, const char *dn,
	const struct attribute *extra)
{
	const struct identity *who = &m->table.identities[i];
	struct draft *d = malloc(sizeof(*d));
	struct attempt a;

	if (!d)
		give_up("no memory");
	draft_make(d, &m->table, kind, who);
	if (extra)
		draft_put(d, extra->name, value_of(&m->table, kind, extra, who));
	a = attempt_add(who->ld, dn, d->list);
	if (a.outcome == GRANTED)
		root_delete(m->root, dn);
	free(d);
	return a;
}

static size_t may_have(const struct table *t, const struct kind *kind, const struct attribute **list, size_t room)
{
	struct draft *d = malloc(sizeof(*d));
	size_t n;

	if (!d)
		give_up("no memory");
	draft_make(d, t, kind, &t->identities[0]);
	n = schema_attributes_of(d->names, 0, list, room);
	free(d);
	return n;
}

/* Each attribute that the kind may have, by those who may make the kind at all. */
static void try_extras(struct matrix *m, const struct target *under, const struct kind *kind, const char *dn)
{
	const struct attribute *list[2 * NAMES];
	size_t n = may_have(&m->table, kind, list, 2 * NAMES);
	struct table *t = &m->table;

	for (size_t k = 0; k < n; k++) {
		struct attempt roots;
		char what[160];

		if (fixed_of(kind, list[k]->name))
			continue;
		roots = try_new(m, 0, kind, dn, list[k]);
		snprintf(what, sizeof(what), "new %s with %s", kind->name, list[k]->name);
		for (size_t i = 1; i < t->nidentities && roots.outcome == GRANTED; i++) {
			struct attempt a;

			if (!table_new(t, kind, under, &t->identities[i], NULL))
				continue;
			a = try_new(m, i, kind, dn, list[k]);
			cell(m, i, what, table_new(t, kind, under, &t->identities[i], list[k]->name), &a, &roots);
		}
	}
}

void cells_new(struct matrix *m, const struct target *under)
{
	struct table *t = &m->table;

	for (size_t k = 0; k < t->nkinds; k++) {
		const struct kind *kind = &t->kinds[k];
		struct attempt roots = {0};
		char dn[512], what[80];

		snprintf(dn, sizeof(dn), "%s,%s", kind->rdn, under->dn);
		snprintf(what, sizeof(what), "new %s", kind->name);
		for (size_t i = 0; i < t->nidentities && roots.code != LDAP_ALREADY_EXISTS; i++) {
			struct attempt a = try_new(m, i, kind, dn, NULL);

			if (i == 0)
				roots = a;
			if (a.code != LDAP_ALREADY_EXISTS)
				cell(m, i, what, table_new(t, kind, under, &t->identities[i], NULL), &a, &roots);
		}
		if (roots.code != LDAP_ALREADY_EXISTS && under->is_parent)
			try_extras(m, under, kind, dn);
	}
}

/* -- moves ------------------------------------------------------------------------------------------------------------- */

static int is_below(const char *dn, const char *above)
{
	size_t len = strlen(dn), above_len = strlen(above);

	return len >= above_len && strcasecmp(dn + len - above_len, above) == 0;
}

void cells_move(struct matrix *m, const struct target *on)
{
	struct table *t = &m->table;
	struct entry before;
	char rdn[128];

	if (on->is_fixed)
		return;
	same_rdn(rdn, on->dn);
	entry_read(m->root, on->dn, &before);
	for (size_t k = 0; k < t->ntargets; k++) {
		const struct target *under = &t->targets[k];
		struct attempt roots = {0};
		char moved[512], what[80];

		if (!under->is_parent || is_below(under->dn, on->dn) || strcasecmp(parent_of(on->dn), under->dn) == 0)
			continue;
		snprintf(moved, sizeof(moved), "%s,%s", rdn, under->dn);
		snprintf(what, sizeof(what), "move to %s", under->name);
		for (size_t i = 0; i < t->nidentities; i++) {
			struct attempt a = attempt_rename(t->identities[i].ld, on->dn, rdn, under->dn);

			if (i == 0)
				roots = a;
			/* The place is taken: that is told to everybody. */
			if (roots.code == LDAP_ALREADY_EXISTS)
				break;
			cell(m, i, what, table_move(t, on, under, &t->identities[i]), &a, &roots);
			if (a.outcome == GRANTED)
				root_rename(m->root, moved, rdn, parent_of(on->dn));
		}
	}
	entry_done(&before);
}
