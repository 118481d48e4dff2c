# denshi: one Makefile, no recursion. `make help` lists what there is to do.

PREFIX     ?= /usr
DESTDIR    ?=
SYSCONFDIR ?= /etc
MULTIARCH  := $(shell $(CC) -print-multiarch 2>/dev/null)
# Where glibc, libpam and slapd look for modules, whatever the prefix of the rest.
NSSDIR     ?= /usr/lib/$(MULTIARCH)
PAMDIR     ?= $(NSSDIR)/security
SLAPDDIR   ?= /usr/lib/ldap
SUDODIR    ?= /usr/libexec/sudo
LIBEXECDIR ?= $(PREFIX)/libexec/denshi
DATADIR    ?= $(PREFIX)/share/denshi
UNITDIR    ?= $(PREFIX)/lib/systemd/system
VERSION    := 0.1.0

# B: the build folder. SAN=address,undefined and WERROR=1 as wanted.
B      ?= build
SAN    ?=
WERROR ?=
# V=1 shows the commands.
V      ?=
say     = $(if $(V),,@printf '  %-4s %s\n' '$(1)' '$(patsubst $(B)/%,%,$@)';)

CC     ?= cc
P11_CFLAGS := $(shell pkg-config --cflags p11-kit-1)
WARN   := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
          -Wformat=2 -Wvla -Wwrite-strings -Wpointer-arith -Wundef
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection
ifeq ($(SAN),)
HARDEN += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
SANFLAGS :=
else
SANFLAGS := -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all
endif
# initial-exec: with the ordinary model a module crashes static-pie programs.
override CFLAGS += -std=gnu11 -O2 -g -fPIC -fvisibility=hidden -ftls-model=initial-exec \
          $(WARN) $(if $(WERROR),-Werror) $(HARDEN) $(SANFLAGS)
override CPPFLAGS += -D_GNU_SOURCE -DDENSHI_VERSION='"$(VERSION)"' \
          -DDENSHI_LIBEXECDIR='"$(LIBEXECDIR)"' -DDENSHI_DATADIR='"$(DATADIR)"' \
          -Ilibdenshi -I. $(P11_CFLAGS)
override LDFLAGS += -Wl,-z,relro,-z,now -Wl,--as-needed $(SANFLAGS)
comma   := ,
SOFLAGS := -shared -Wl,-z,defs -Wl,-z,nodelete

LDAP_LIBS   := -lldap -llber
CRYPTO_LIBS := -lcrypto -lp11-kit

# ---- the rooms: every .c file of a folder belongs to it ------------------------
objects = $(patsubst %.c,$(B)/o/%.o,$(wildcard $(1)/*.c))

CORE      := $(B)/libdenshi-core.a
CRYPTO    := $(B)/libdenshi-crypto.a
DIRECTORY := $(B)/libdenshi-directory.a
CONFIG    := $(B)/libdenshi-config.a
# What the programs of the directory's machine share.
SERVER    := $(B)/libdenshi-server.a
PWHASH    := $(B)/o/slapd_argon2id/hash.o
PROGRAMS  := $(B)/denshi $(B)/denshid $(B)/denshi-ca $(B)/denshi-setup $(B)/denshi-directory \
             $(B)/denshi-host $(B)/denshi-ssh-keys \
             $(B)/denshi-prove $(B)/denshi-relay $(B)/denshi-notice
MODULES   := $(B)/pam_denshi.so $(B)/libnss_denshi.so.2 $(B)/libdenshi.so.1 $(B)/denshi_approval.so $(B)/pw-argon2id.so $(B)/denshi-guard.so

UNIT_TESTS   := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
MODULE_TESTS := $(patsubst tests/module/%.c,$(B)/tests/%,$(wildcard tests/module/*.c))
RACERS       := $(patsubst tests/race/%.c,$(B)/tests/%,$(wildcard tests/race/*.c))
FUZZERS      := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
ACCESS_MATRIX := $(B)/tests/access-matrix
BENCHES      := $(patsubst bench/%.c,$(B)/bench/%,$(filter-out bench/floor.c,$(wildcard bench/*.c))) \
                $(B)/bench/libnss_floor.so.2

SCHEMAS   := $(B)/ldap-schema/denshi.schema $(B)/ldap-schema/denshi-389.ldif

all: programs modules $(SCHEMAS) ## build everything (the default)
programs: $(PROGRAMS)
modules: $(MODULES)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Another PREFIX, compiler or set of flags: everything is built again.
$(B)/flags: FORCE
	$(shell mkdir -p $(B))$(file >$@.new,$(CC) $(CPPFLAGS) $(filter-out -Werror,$(CFLAGS)))
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
FORCE:

$(B)/o/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(CORE): $(call objects,libdenshi/core)
$(CRYPTO): $(call objects,libdenshi/crypto)
$(DIRECTORY): $(call objects,libdenshi/directory)
$(CONFIG): $(call objects,libdenshi/config)
$(SERVER): $(call objects,tools/server)
$(CORE) $(CRYPTO) $(DIRECTORY) $(CONFIG) $(SERVER):
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

$(B)/libnss_denshi.so.2: $(call objects,nss_denshi) $(CORE) nss_denshi/nss_denshi.map
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) $(SOFLAGS) -Wl,-z,noseparate-code -Wl,-soname,libnss_denshi.so.2 \
		-Wl,--version-script=nss_denshi/nss_denshi.map -o $@ $(filter %.o %.a,$^)

$(B)/pam_denshi.so: $(call objects,pam_denshi) $(CORE) pam_denshi/pam_denshi.map
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) $(SOFLAGS) \
		-Wl,--version-script=pam_denshi/pam_denshi.map -o $@ $(filter %.o %.a,$^) -lpam

# For programs: api/approval.h.
$(B)/libdenshi.so.1: $(B)/o/api/approval.o $(CORE) api/libdenshi.map
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) $(SOFLAGS) -Wl,-soname,libdenshi.so.1 \
		-Wl,--version-script=api/libdenshi.map -o $@ $(filter %.o %.a,$^)

$(B)/denshi_approval.so: $(call objects,sudo_denshi) $(B)/o/api/approval.o $(CORE) sudo_denshi/sudo_denshi.map
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) $(SOFLAGS) \
		-Wl,--version-script=sudo_denshi/sudo_denshi.map -o $@ $(filter %.o %.a,$^)

# Functions of the slapd that loads them are used, so not every symbol is defined here.
$(B)/pw-argon2id.so: $(call objects,slapd_argon2id) slapd_argon2id/slapd_argon2id.map
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) $(filter-out -Wl$(comma)-z$(comma)defs,$(SOFLAGS)) \
		-Wl,--version-script=slapd_argon2id/slapd_argon2id.map -o $@ $(filter %.o,$^) -largon2 -llber

$(B)/denshi-guard.so: $(call objects,slapd_guard) slapd_guard/slapd_guard.map
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) $(filter-out -Wl$(comma)-z$(comma)defs,$(SOFLAGS)) \
		-Wl,--version-script=slapd_guard/slapd_guard.map -o $@ $(filter %.o,$^) -lldap -llber

$(B)/denshid: $(call objects,denshid) $(DIRECTORY) $(CRYPTO) $(CONFIG) $(CORE)
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) -pie -pthread -o $@ $^ $(LDAP_LIBS) $(CRYPTO_LIBS) \
		-levent_core -lconfig -lunistring

$(B)/denshi: $(call objects,tools/denshi) $(CRYPTO) $(CORE)
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ $(CRYPTO_LIBS) -lsmartcols -ljansson

$(B)/denshi-setup: $(call objects,tools/denshi-setup) $(SERVER) $(DIRECTORY) $(CRYPTO) $(CONFIG) $(CORE)
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ $(LDAP_LIBS) $(CRYPTO_LIBS) -lconfig -lunistring

$(B)/denshi-host: $(call objects,tools/denshi-host) $(SERVER) $(DIRECTORY) $(CRYPTO) $(CONFIG) $(CORE)
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ $(LDAP_LIBS) $(CRYPTO_LIBS) -lconfig -lunistring -ljansson

$(B)/denshi-directory: $(call objects,tools/denshi-directory) $(SERVER) $(DIRECTORY) $(CRYPTO) $(CONFIG) $(CORE)
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ $(LDAP_LIBS) $(CRYPTO_LIBS) -lconfig -lunistring -lz

$(B)/denshi-ca: $(call objects,tools/denshi-ca) $(DIRECTORY) $(CRYPTO) $(CONFIG) $(CORE)
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ $(LDAP_LIBS) $(CRYPTO_LIBS) -lconfig -lunistring

$(B)/denshi-ssh-keys: $(call objects,tools/denshi-ssh-keys) $(CORE)
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^

$(B)/denshi-prove: $(call objects,tools/denshi-prove) $(CRYPTO) $(CORE)
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ $(CRYPTO_LIBS)

$(B)/denshi-relay: $(call objects,tools/denshi-relay) $(CORE)
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^

$(B)/denshi-notice: $(call objects,tools/denshi-notice) $(CRYPTO) $(CONFIG) $(CORE)
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ $(CRYPTO_LIBS) -lconfig

# denshi.ldif is the source; the other forms are made of it.
$(B)/ldap-schema/denshi.schema: FORM := openldap
$(B)/ldap-schema/denshi-389.ldif: FORM := standard
$(SCHEMAS): ldap-schema/denshi.ldif ldap-schema/forms.awk
	@mkdir -p $(@D)
	$(call say,AWK)awk -v form=$(FORM) -f ldap-schema/forms.awk $< >$@

# ---- demo, tests, figures -----------------------------------------------------
demo: all stage ## the ceremony: everything denshi does, in a sandbox
	tests/sandbox -- tests/ceremony

shell: all stage ## a shell in a populated sandbox
	tests/sandbox --populated -- bash

check: all stage unit-tests module-tests $(B)/bench/flood $(B)/bench/memgrep ## all tests; ends with "N passed, N failed"
	tests/run B=$(B)

unit-tests: $(UNIT_TESTS)
module-tests: $(MODULE_TESTS) $(ACCESS_MATRIX) $(RACERS) $(B)/bench/pambench $(B)/bench/ldapbind
fuzzers: $(FUZZERS)

# Of denshid, what makes the snapshot.
PUBLISHED := $(patsubst %,$(B)/o/denshid/%.o,versions base published log)
$(B)/tests/test_published: $(PUBLISHED)
$(B)/tests/test_pace: $(B)/o/denshid/pace.o

# cmocka, and every room: a unit test takes what it needs.
$(B)/tests/test_%: $(B)/o/tests/unit/test_%.o $(DIRECTORY) $(CRYPTO) $(CONFIG) $(CORE) $(PWHASH)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) -pie -pthread -o $@ $(filter %.o,$^) $(filter-out %.o,$^) -lcmocka $(LDAP_LIBS) -lssl $(CRYPTO_LIBS) -lconfig -lunistring -largon2

$(patsubst tests/module/%.c,$(B)/tests/%,$(wildcard tests/module/*.c)): $(B)/tests/%: $(B)/o/tests/module/%.o $(CRYPTO) $(CORE)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) -pie -rdynamic -pthread -o $@ $^ -lcmocka -lpam $(CRYPTO_LIBS) -llber -ldl

$(ACCESS_MATRIX): $(call objects,tests/access)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ $(LDAP_LIBS)

# Whole rooms without the daemon, many at once.
$(RACERS): $(B)/tests/%: $(B)/o/tests/race/%.o $(DIRECTORY) $(CRYPTO) $(CONFIG) $(CORE)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(CFLAGS) $(LDFLAGS) -pie -pthread -o $@ $^ $(LDAP_LIBS) $(CRYPTO_LIBS) -lunistring

# libFuzzer is clang's: the fuzzed rooms are compiled again with it.
FUZZ_ROOMS := $(wildcard libdenshi/core/*.c) $(wildcard libdenshi/crypto/*.c) libdenshi/directory/sync.c libdenshi/directory/ber.c
$(B)/fuzz/%: tests/fuzz/%.c $(FUZZ_ROOMS)
	@mkdir -p $(@D)
	$(call say,FUZZ)clang $(CPPFLAGS) -std=gnu11 -O1 -g -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -o $@ $< $(FUZZ_ROOMS) $(LDAP_LIBS) $(CRYPTO_LIBS) -lconfig

FUZZ_SECONDS ?= 60
fuzz: fuzzers ## every fuzz target for FUZZ_SECONDS (60)
	tests/fuzz/run $(B) $(FUZZ_SECONDS)

bench: all stage $(BENCHES) ## figures, side by side, as ratios; BENCH="scale races": some parts
	bench/run B=$(B) $(BENCH)

# What denshid makes a snapshot of, without the rest of it.
$(B)/bench/rebuild: bench/rebuild.c $(PUBLISHED) $(DIRECTORY) $(CORE)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -pie -pthread -o $@ $^ $(LDAP_LIBS) -lunistring

$(B)/bench/%: bench/%.c $(CORE)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -pie -pthread -o $@ $< $(CORE) -lpam -ldl

$(B)/bench/libnss_floor.so.2: bench/floor.c
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(SOFLAGS) -Wl,-z,noseparate-code \
		-Wl,-soname,libnss_floor.so.2 -o $@ $<

lint: ## what the compiler doesn't see: forbidden calls, headers alone, man pages, scripts
	tests/lint

# ---- install -------------------------------------------------------------------
# The sandbox lays this tree over the machine's own, in a namespace of its own.
stage: all
	@rm -rf $(B)/stage
	@$(MAKE) --no-print-directory -s install DESTDIR=$(B)/stage PREFIX=/usr

install: all ## install below DESTDIR, with PREFIX (/usr)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(LIBEXECDIR) \
		$(DESTDIR)$(PREFIX)/include/denshi $(DESTDIR)$(NSSDIR)/pkgconfig $(DESTDIR)$(SUDODIR) \
		$(DESTDIR)$(DATADIR)/examples $(DESTDIR)$(NSSDIR) $(DESTDIR)$(PAMDIR) $(DESTDIR)$(SLAPDDIR) $(DESTDIR)$(SYSCONFDIR)/denshi \
		$(DESTDIR)$(DATADIR)/ldap-schema $(DESTDIR)$(DATADIR)/pam.d $(DESTDIR)$(DATADIR)/ssh \
		$(DESTDIR)$(PREFIX)/share/pam-configs $(DESTDIR)$(UNITDIR) $(DESTDIR)$(PREFIX)/lib/sysusers.d \
		$(DESTDIR)$(PREFIX)/lib/tmpfiles.d
	install -m 755 $(B)/denshi $(DESTDIR)$(PREFIX)/bin/
	install -m 755 $(B)/denshid $(B)/denshi-ca $(DESTDIR)$(PREFIX)/sbin/
	install -m 755 $(B)/denshi-setup $(B)/denshi-directory $(B)/denshi-host $(B)/denshi-ssh-keys \
		$(B)/denshi-prove $(B)/denshi-relay $(B)/denshi-notice $(DESTDIR)$(LIBEXECDIR)/
	install -m 644 $(B)/libnss_denshi.so.2 $(DESTDIR)$(NSSDIR)/
	install -m 644 $(B)/libdenshi.so.1 $(DESTDIR)$(NSSDIR)/
	ln -sf libdenshi.so.1 $(DESTDIR)$(NSSDIR)/libdenshi.so
	sed 's|@PREFIX@|$(PREFIX)|;s|@LIBDIR@|$(NSSDIR)|;s|@VERSION@|$(VERSION)|' api/denshi.pc.in >$(DESTDIR)$(NSSDIR)/pkgconfig/denshi.pc
	install -m 644 api/approval.h $(DESTDIR)$(PREFIX)/include/denshi/
	install -m 644 api/example.c $(DESTDIR)$(DATADIR)/examples/
	install -m 755 etc/notice-mail $(DESTDIR)$(DATADIR)/examples/
	install -m 644 $(B)/denshi_approval.so $(DESTDIR)$(SUDODIR)/
	install -m 644 $(B)/pam_denshi.so $(DESTDIR)$(PAMDIR)/
	install -m 644 $(B)/pw-argon2id.so $(B)/denshi-guard.so $(DESTDIR)$(SLAPDDIR)/
	install -m 644 $(wildcard ldap-schema/*.ldif ldap-schema/*.in) ldap-schema/oids $(SCHEMAS) $(DESTDIR)$(DATADIR)/ldap-schema/
	install -m 644 $(wildcard etc/pam.d/*) $(DESTDIR)$(DATADIR)/pam.d/
	install -m 644 etc/ssh/denshi-get.conf $(DESTDIR)$(DATADIR)/ssh/
	install -m 644 etc/pam-configs/denshi $(DESTDIR)$(PREFIX)/share/pam-configs/
	install -m 644 etc/denshi.conf $(DESTDIR)$(SYSCONFDIR)/denshi/
	for u in etc/*.service etc/*.path; do \
		sed 's|/usr/sbin/denshi|$(PREFIX)/sbin/denshi|;s|/usr/libexec/denshi|$(LIBEXECDIR)|' $$u >$(DESTDIR)$(UNITDIR)/$${u##*/} || exit 1; \
	done
	install -m 644 etc/denshi.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/denshi.conf
	install -m 644 etc/denshi.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/denshi.conf
	for m in man/*.[1-8]; do \
		d=$(DESTDIR)$(PREFIX)/share/man/man$${m##*.}; install -d $$d && install -m 644 $$m $$d/ || exit 1; \
	done

clean: ## remove the build folder
	rm -rf $(B)

-include $(shell find $(B)/o -name '*.d' 2>/dev/null)
.SECONDARY:
.DELETE_ON_ERROR:
.PHONY: FORCE all programs modules help demo shell check unit-tests module-tests fuzzers fuzz bench lint stage install clean
