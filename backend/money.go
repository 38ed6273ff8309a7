package backend

import (
	"strconv"
	"strings"
)

// Money is an amount in the minor units of a currency (ISO 4217: cents of USD,
// but whole won of KRW).
type Money struct {
	Minor    int64
	Currency string // three capital letters
}

// Decimals is the number of digits of the minor unit: 2 for most currencies.
func (m Money) Decimals() int {
	switch m.Currency {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	}
	return 2
}

// String returns the amount as people write it: ₩1,500,000, $12.50, CHF 9.00.
func (m Money) String() string {
	digits, sign := strconv.FormatInt(m.Minor, 10), ""
	if m.Minor < 0 {
		digits, sign = digits[1:], "-"
	}
	d := m.Decimals()
	if pad := d + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	whole, rest := digits[:len(digits)-d], digits[len(digits)-d:]
	var b strings.Builder
	b.WriteString(sign)
	b.WriteString(symbol(m.Currency))
	for i, c := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	if d > 0 {
		b.WriteByte('.')
		b.WriteString(rest)
	}
	return b.String()
}

func symbol(currency string) string {
	switch currency {
	case "KRW":
		return "₩"
	case "USD":
		return "$"
	case "EUR":
		return "€"
	case "GBP":
		return "£"
	case "JPY":
		return "¥"
	}
	return currency + " "
}
