-- Interest accrued at the end of a month is taken back on the first day of the next one, so that it is no expense twice.
-- A month here goes from its second day to the first day of the next.
SELECT 'interest payable from the 2nd of ' || month, SUM(change), 0
FROM (
    SELECT l.change, {month_from_second} AS month
    FROM ({legs}) l JOIN savings_account a ON a.id = l.account_id
    WHERE a.kind = 'interest_payable'
) accrued
WHERE month < {this_month_from_second}
GROUP BY month HAVING SUM(change) <> 0
ORDER BY month
