/* A transfer that somebody else must have approved.
 *
 *	cc -o transfer example.c $(pkg-config --cflags --libs denshi)
 *	./transfer d-maker01 001-1234567
 */
#include <stdio.h>

#include <denshi/approval.h>

static int transfer(const char *account)
{
	printf("transferred from %s\n", account);
	return 0;
}

int main(int argc, char **argv)
{
	struct denshi_demand demand = DENSHI_DEMAND_INIT;
	struct denshi_answer answer;

	if (argc != 3) {
		fprintf(stderr, "usage: transfer LOGIN ACCOUNT\n");
		return 2;
	}
	demand.login = argv[1];
	demand.business = "transfer";
	demand.account = argv[2];
	demand.service = "transfer";
	if (denshi_approval_use(&demand, &answer) != DENSHI_GRANTED) {
		fprintf(stderr, "transfer: %s [%s]\n", answer.message, answer.code);
		return 1;
	}
	printf("%s\n", answer.message);
	return transfer(argv[2]);
}
